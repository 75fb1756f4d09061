#include <duet/ops/math.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace {

using duet::math::exp;

struct Function {
    std::string name;
    void (*apply)(const float*, float*, std::size_t);
    double (*reference)(double);
};

#define DUET_FUNCTION(function, reference)                                                                  \
    Function {                                                                                              \
#function,                                                                                                \
            [](const float* x, float* y, std::size_t n) {                                                 \
                for (std::size_t i = 0; i < n; ++i) y[i] = duet::math::function(x[i]);                    \
            },                                                                                            \
            [](double x) -> double { return reference; } \
    }

const std::vector<Function> functions = {
    DUET_FUNCTION(exp, std::exp(x)),
    DUET_FUNCTION(expm1, std::expm1(x)),
    DUET_FUNCTION(log, std::log(x)),
    DUET_FUNCTION(log1p, std::log1p(x)),
    DUET_FUNCTION(tanh, std::tanh(x)),
    DUET_FUNCTION(sigmoid, (x < 0 ? std::exp(x) : 1.0) / (1.0 + std::exp(-std::fabs(x)))),
    DUET_FUNCTION(softplus, (x > 0 ? x : 0.0) + std::log1p(std::exp(-std::fabs(x)))),
};

float apply(const Function& function, float x) {
    float y = 0;
    function.apply(&x, &y, 1);
    return y;
}

double error_in_ulps(float value, double reference) {
    const auto rounded = static_cast<float>(reference);
    if (std::isnan(reference) || std::isnan(value))
        return std::isnan(reference) && std::isnan(value) ? 0 : std::numeric_limits<double>::infinity();
    if (std::isinf(rounded) || std::isinf(value)) return rounded == value ? 0 : 1e9;
    int exponent = 0;
    std::frexp(std::fabs(reference), &exponent);
    return std::fabs(value - reference) / std::ldexp(1.0, std::max(exponent - 24, -149));
}

bool same_bits(const float* a, const float* b, std::size_t count) {
    return std::memcmp(a, b, count * sizeof *a) == 0;
}

}  // namespace

TEST_CASE("elementary functions are within 2 ulp over every exponent, sign, infinity and NaN") {
    constexpr std::uint64_t step = 4999;
    std::vector<float> x;
    for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32U); bits += step)
        x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
    // Dense where functions change most.
    for (int i = -200000; i <= 200000; ++i) x.push_back(static_cast<float>(i) * 1e-4F);
    for (float extreme : {0.0F, 1.0F, 88.72F, 88.73F, 103.97F, 103.98F, 104.5F, 1e-45F, 1.17549e-38F,
                          std::numeric_limits<float>::max(), std::numeric_limits<float>::infinity()})
        for (float sign : {1.0F, -1.0F}) x.push_back(sign * extreme);
    std::vector<float> y(x.size());
    for (const Function& function : functions) {
        function.apply(x.data(), y.data(), x.size());
        double worst = 0;
        float where = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            const double error = error_in_ulps(y[i], function.reference(x[i]));
            if (error > worst) worst = error, where = x[i];
        }
        INFO(function.name, " at ", where);
        CHECK(worst <= 2.0);
    }
}

TEST_CASE("ends of the range") {
    const float infinity = std::numeric_limits<float>::infinity();
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (const Function& function : functions) CHECK(std::isnan(apply(function, nan)));
    CHECK(exp(-infinity) == 0.0F);
    CHECK(exp(infinity) == infinity);
    CHECK(exp(0.0F) == 1.0F);
    CHECK(exp(-100.0F) == std::exp(-100.0F));  // a denormal
    CHECK(duet::math::log(0.0F) == -infinity);
    CHECK(duet::math::log(-0.0F) == -infinity);
    CHECK(std::isnan(duet::math::log(-1.0F)));
    CHECK(std::isnan(duet::math::log(-infinity)));
    CHECK(duet::math::log(infinity) == infinity);
    CHECK(duet::math::log(1.0F) == 0.0F);
    CHECK(duet::math::log1p(-1.0F) == -infinity);
    CHECK(std::isnan(duet::math::log1p(-1.5F)));
    CHECK(std::signbit(duet::math::log1p(-0.0F)));
    CHECK(duet::math::expm1(-infinity) == -1.0F);
    CHECK(duet::math::expm1(infinity) == infinity);
    CHECK(std::signbit(duet::math::expm1(-0.0F)));
    CHECK(duet::math::tanh(infinity) == 1.0F);
    CHECK(duet::math::tanh(-infinity) == -1.0F);
    CHECK(std::signbit(duet::math::tanh(-0.0F)));
    CHECK(duet::math::sigmoid(-infinity) == 0.0F);
    CHECK(duet::math::sigmoid(infinity) == 1.0F);
    CHECK(duet::math::softplus(-infinity) == 0.0F);
    CHECK(duet::math::softplus(infinity) == infinity);
}

TEST_CASE("a result does not depend on where its element stands or on how many there are") {
    std::vector<float> x(200);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = -9.0F + 0.0937F * static_cast<float>(i);
    x[7] = std::numeric_limits<float>::infinity();
    x[11] = -103.0F;
    x[13] = 1e-41F;
    for (const Function& function : functions) {
        INFO(function.name);
        std::vector<float> single(x.size());
        for (std::size_t i = 0; i < x.size(); ++i) single[i] = apply(function, x[i]);
        bool same = true;
        for (std::size_t count = 1; count <= 67; ++count)
            for (std::size_t offset = 0; offset <= 17; ++offset) {
                std::vector<float> y(x.size());
                function.apply(x.data() + offset, y.data() + offset / 2, count);
                for (std::size_t i = 0; i < count; ++i) {
                    const float got = y[offset / 2 + i], want = single[offset + i];
                    same = same && (same_bits(&got, &want, 1) || (std::isnan(got) && std::isnan(want)));
                }
            }
        CHECK(same);
    }
}

TEST_CASE("double takes the library's functions") {
    CHECK(exp(0.3) == std::exp(0.3));
    CHECK(duet::math::softplus(-3.0) == doctest::Approx(std::log1p(std::exp(-3.0))).epsilon(1e-15));
    CHECK(duet::math::sigmoid(-800.0) == 0.0);
    CHECK(duet::math::sigmoid(2.0) == doctest::Approx(1 / (1 + std::exp(-2.0))).epsilon(1e-15));
}

TEST_CASE("logarithm and angle of random words") {
    double log_error = 0, sine_error = 0, cosine_error = 0, difference = 0;
    for (std::uint64_t w = 0; w <= 0xffffffffU; w += 65521) {
        for (const auto word : {static_cast<std::uint32_t>(w), ~static_cast<std::uint32_t>(w)}) {
            const double uniform = static_cast<double>(word | 1U) * 0x1p-32;
            const double logarithm = duet::math::log_uniform<double>(word);
            difference =
                std::max(difference, std::fabs(logarithm - std::log(uniform)) / std::fabs(logarithm));
            log_error = std::max(log_error, error_in_ulps(duet::math::log_uniform<float>(word), logarithm));
            const auto [sine, cosine] = duet::math::sincos_turns<double>(word);
            const double angle = 6.283185307179586 * static_cast<double>(word & ~63U) * 0x1p-32;
            difference = std::max(
                {difference, std::fabs(sine - std::sin(angle)), std::fabs(cosine - std::cos(angle))});
            const auto [float_sine, float_cosine] = duet::math::sincos_turns<float>(word);
            sine_error = std::max(sine_error, error_in_ulps(float_sine, sine));
            cosine_error = std::max(cosine_error, error_in_ulps(float_cosine, cosine));
        }
    }
    CHECK(difference < 2e-7);  // of the plain logarithm: next to 1 it has few digits
    CHECK(log_error <= 3);
    CHECK(sine_error <= 2);
    CHECK(cosine_error <= 2);
    CHECK(duet::math::log_uniform<float>(0xffffffffU) < 0.0F);
    CHECK(duet::math::log_uniform<float>(0) == doctest::Approx(-32 * std::log(2.0)));
}
