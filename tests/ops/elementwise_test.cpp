#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <duet/graph/error.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/broadcast.hpp>
#include <duet/ops/comparison.hpp>
#include <duet/ops/stop_gradient.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

const double infinity = std::numeric_limits<double>::infinity();
const double nan_value = std::numeric_limits<double>::quiet_NaN();

struct UnaryCase {
    std::string name;
    Tensor (*build)(Operand);
    double (*expected)(double);
    double low, high;
};

}  // namespace

TEST_CASE_TEMPLATE("unary ops compute what C's functions do", T, float, double) {
    const std::vector<UnaryCase> cases{
        {"negate", negate, [](double x) { return -x; }, -3, 3},
        {"exp", duet::exp, [](double x) { return std::exp(x); }, -20, 20},
        {"expm1", duet::expm1, [](double x) { return std::expm1(x); }, -2, 2},
        {"log", duet::log, [](double x) { return std::log(x); }, 0.01, 9},
        {"log1p", duet::log1p, [](double x) { return std::log1p(x); }, -0.9, 9},
        {"sqrt", duet::sqrt, [](double x) { return std::sqrt(x); }, 0, 9},
        {"square", square, [](double x) { return x * x; }, -3, 3},
        {"abs", duet::abs, [](double x) { return std::fabs(x); }, -3, 3},
        {"relu", relu, [](double x) { return std::fmax(x, 0.0); }, -3, 3},
        {"sigmoid", sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, -30, 30},
        {"tanh", duet::tanh, [](double x) { return std::tanh(x); }, -9, 9},
        {"softplus", softplus, [](double x) { return std::log1p(std::exp(x)); }, -30, 30},
    };
    for (const UnaryCase& test : cases) {
        const Shape shape{37};
        std::vector<double> x = varied(shape), expected;
        for (double& value : x) {
            value = static_cast<double>(static_cast<T>(test.low + (value + 1) / 2 * (test.high - test.low)));
            expected.push_back(test.expected(value));
        }
        const double error = distance(
            evaluate<T>([&](const auto& inputs) { return test.build(inputs[0]); }, {{shape, x}}), expected);
        CHECK_MESSAGE(error < (sizeof(T) == 4 ? 2e-7 : 1e-15), test.name << " differs by " << error);
    }
}

TEST_CASE("operators take tensors and numbers on either side") {
    const Argument x{{2}, {3, -4}}, y{{2}, {2, 8}};
    const auto both = [&](auto build) {
        return values_of(evaluate([&](const auto& inputs) { return build(inputs[0], inputs[1]); }, {x, y}));
    };
    using Values = std::vector<double>;
    CHECK(both([](Tensor a, Tensor b) { return a + b * 1.0; }) == Values{5, 4});
    CHECK(both([](Tensor a, Tensor b) { return a - b; }) == Values{1, -12});
    CHECK(both([](Tensor a, Tensor b) { return a * b; }) == Values{6, -32});
    CHECK(both([](Tensor a, Tensor b) { return a / b; }) == Values{1.5, -0.5});
    CHECK(both([](Tensor a, Tensor b) { return -a + 0.0 * b; }) == Values{-3, 4});
    CHECK(both([](Tensor a, Tensor b) { return 2.0 * a - b / 2 + 1; }) == Values{6, -11});
    CHECK(both([](Tensor a, Tensor b) { return maximum(a, b); }) == Values{3, 8});
    CHECK(both([](Tensor a, Tensor b) { return minimum(a, b); }) == Values{2, -4});
    CHECK_THROWS_AS(add(1.0, 2.0), Error);
}

TEST_CASE("power uses the cheaper ops where they are the same") {
    for (const double exponent : {-2.0, -1.0, 0.0, 0.5, 1.0, 1.7, 2.0, 3.0}) {
        const std::vector<double> x{0.3, 1.0, 2.5};
        std::vector<double> expected;
        for (const double value : x) expected.push_back(std::pow(value, exponent));
        CHECK(distance(evaluate([&](const auto& inputs) { return power(inputs[0], exponent); }, {{{3}, x}}),
                       expected) < 1e-15);
    }
}

TEST_CASE("comparisons give 0 and 1, and NaN compares false") {
    const Argument a{{4}, {1, 2, 3, nan_value}}, b{{4}, {2, 2, 2, 2}};
    const auto compare = [&](Tensor (*build)(Operand, Operand)) {
        return values_of(evaluate([&](const auto& inputs) { return build(inputs[0], inputs[1]); }, {a, b}));
    };
    using Values = std::vector<double>;
    CHECK(compare(greater) == Values{0, 0, 1, 0});
    CHECK(compare(greater_equal) == Values{0, 1, 1, 0});
    CHECK(compare(less) == Values{1, 0, 0, 0});
    CHECK(compare(less_equal) == Values{1, 1, 0, 0});
    CHECK(compare(equal) == Values{0, 1, 0, 0});
}

TEST_CASE("where chooses, and what is not chosen does not matter") {
    const auto chosen = evaluate([](const auto& inputs) { return where(inputs[0], inputs[1], -1.0); },
                                 {{{2, 1}, {1, 0}}, {{3}, {5, nan_value, infinity}}});
    CHECK(chosen.data()[0] == 5);
    CHECK(std::isnan(chosen.data()[1]));
    CHECK(chosen.data()[2] == infinity);
    for (std::size_t i = 3; i < 6; ++i) CHECK(chosen.data()[i] == -1);
}

TEST_CASE_TEMPLATE("NaN propagates", T, float, double) {
    const Argument x{{3}, {nan_value, 1, nan_value}}, y{{3}, {1, nan_value, nan_value}};
    for (const auto& build : std::vector<Build>{
             [](const auto& in) { return maximum(in[0], in[1]); },
             [](const auto& in) { return minimum(in[0], in[1]); },
             [](const auto& in) { return relu(in[0] + in[1]); },
             [](const auto& in) { return clip(in[0] + in[1], -1, 1); },
             [](const auto& in) { return leaky_relu(in[0] + in[1], 0.1); },
             [](const auto& in) { return elu(in[0] + in[1]); },
             [](const auto& in) { return softplus(in[0] + in[1]); },
             [](const auto& in) { return sigmoid(in[0] + in[1]); },
         }) {
        const auto result = evaluate<T>(build, {x, y});
        for (std::size_t i = 0; i < 3; ++i) CHECK(std::isnan(result.data()[i]));
    }
}

TEST_CASE("activations with parameters") {
    const Argument x{{4}, {-2, -0.5, 0.5, 2}};
    using Values = std::vector<double>;
    CHECK(values_of(evaluate([](const auto& in) { return leaky_relu(in[0], 0.25); }, {x})) ==
          Values{-0.5, -0.125, 0.5, 2});
    CHECK(values_of(evaluate([](const auto& in) { return clip(in[0], -1, 0.75); }, {x})) ==
          Values{-1, -0.5, 0.5, 0.75});
    CHECK(distance(evaluate([](const auto& in) { return elu(in[0], 2.0); }, {x}),
                   {2 * std::expm1(-2.0), 2 * std::expm1(-0.5), 0.5, 2}) < 1e-15);
    Graph graph;
    const Tensor input = graph.input("x", {2});
    CHECK(linear(input) == input);
    CHECK_THROWS_AS(clip(input, 1, 0), Error);
    CHECK_THROWS_AS(clip(input, nan_value, 0), Error);
}

TEST_CASE("an activation is any function of one tensor, and names its caller's line") {
    const std::vector<Activation> activations{relu, linear, tanh,
                                              [](Tensor x) { return leaky_relu(x, 0.2); }};
    Graph graph;
    const Tensor x = graph.input("x", {2});
    for (const Activation& activation : activations) {
        const NodeId before = graph.size();
        const Tensor y = activation(x);
        const unsigned line = __LINE__ - 1;
        if (graph.size() > before) CHECK(graph.node(y.id()).where.line == line);
    }
}

TEST_CASE("an elementwise result does not depend on where its element stands") {
    const Shape shape{41};
    const std::vector<double> x = varied(shape);
    const auto build = [](const auto& inputs) { return softplus(elu(duet::tanh(3.0 * inputs[0]))); };
    const auto whole = evaluate<float>(build, {{shape, x}});
    for (const std::size_t skipped : {1, 7, 19, 40}) {
        const std::vector<double> rest(x.begin() + static_cast<std::ptrdiff_t>(skipped), x.end());
        const auto part = evaluate<float>(build, {{{rest.size()}, rest}});
        for (std::size_t i = 0; i < rest.size(); ++i) CHECK(part.data()[i] == whole.data()[i + skipped]);
    }
}

TEST_CASE("stop_gradient keeps the value") {
    const Argument x{{2}, {1, -2}};
    CHECK(values_of(evaluate([](const auto& in) { return stop_gradient(in[0]) * 1.0; }, {x})) == x.values);
    CHECK(values_of(evaluate([](const auto& in) { return stop_gradient(in[0]); }, {x})) == x.values);
}
