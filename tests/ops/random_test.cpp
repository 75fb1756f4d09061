#include <duet/ops/random.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <Random123/philox.h>
#include <doctest/doctest.h>

#include <duet/graph/error.hpp>
#include <duet/ops/kernels/philox.hpp>

#include "evaluate.hpp"

using namespace duet;
using testing::evaluate;
using testing::run_op;

namespace {

constexpr std::size_t many = 1 << 20;

template <class T>
std::vector<T> normals(std::uint64_t seed, const std::string& name, std::size_t count, std::uint64_t draw) {
    Graph graph(seed);
    return evaluate<T>(random_normal(graph, name, {count}), {}, draw);
}

template <class T>
std::vector<T> uniforms(std::uint64_t seed, const std::string& name, std::size_t count, std::uint64_t draw) {
    Graph graph(seed);
    return evaluate<T>(random_uniform(graph, name, {count}), {}, draw);
}

/// Kolmogorov's statistic times the root of the count: above 1.95 once in a thousand times.
template <class Distribution>
double kolmogorov(std::vector<float> sample, Distribution distribution) {
    std::sort(sample.begin(), sample.end());
    const auto count = static_cast<double>(sample.size());
    double worst = 0;
    for (std::size_t i = 0; i < sample.size(); ++i) {
        const double p = distribution(sample[i]);
        worst = std::max({worst, p - static_cast<double>(i) / count, static_cast<double>(i + 1) / count - p});
    }
    return worst * std::sqrt(count);
}

double moment(const std::vector<float>& sample, int power) {
    double sum = 0;
    for (const float x : sample) sum += std::pow(static_cast<double>(x), power);
    return sum / static_cast<double>(sample.size());
}

double equal_fraction(const std::vector<float>& a, const std::vector<float>& b) {
    std::size_t equal = 0;
    for (std::size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i];
    return static_cast<double>(equal) / static_cast<double>(a.size());
}

void check_against_random123(philox::Key key, std::uint64_t draw, std::uint64_t first) {
    philox::Words words;
    philox::fill(key, draw, first, words);
    for (std::size_t i = 0; i < philox::lanes; ++i) {
        const std::uint64_t block = first + i;
        const philox4x32_ctr_t counter = {
            {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32U),
             static_cast<std::uint32_t>(draw), static_cast<std::uint32_t>(draw >> 32U)}};
        const philox4x32_key_t reference_key = {{key.low, key.high}};
        const philox4x32_ctr_t reference = philox4x32(counter, reference_key);
        for (std::size_t j = 0; j < 4; ++j) REQUIRE(words[j * philox::lanes + i] == reference.v[j]);
    }
}

}  // namespace

TEST_CASE("philox gives the published answers and Random123's words") {
    philox::Words words;
    philox::fill({0, 0}, 0, 0, words);
    CHECK(words[0] == 0x6627e8d5U);
    CHECK(words[philox::lanes] == 0xe169c58dU);
    CHECK(words[2 * philox::lanes] == 0xbc57ac4cU);
    CHECK(words[3 * philox::lanes] == 0x9b00dbd8U);
    philox::fill({0xffffffffU, 0xffffffffU}, ~std::uint64_t{0}, ~std::uint64_t{0}, words);
    CHECK(words[0] == 0x408f276dU);
    CHECK(words[philox::lanes] == 0x41c83b0eU);
    CHECK(words[2 * philox::lanes] == 0xa20bc7c6U);
    CHECK(words[3 * philox::lanes] == 0x6d5451fdU);
    for (std::uint64_t i = 0; i < 50; ++i) {
        const std::uint64_t key = philox::mix(i), draw = philox::mix(i + 1000), first = philox::mix(i + 2000);
        check_against_random123({static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32U)},
                                draw, first);
        check_against_random123({7, 9}, i, (std::uint64_t{1} << 32U) - i);
    }
}

TEST_CASE("every name and every seed has a key of its own") {
    std::set<std::uint64_t> keys;
    for (std::uint64_t seed = 0; seed < 100; ++seed)
        for (const char* name : {"a", "b", "ab", "ba", "noise", "noise2", ""}) {
            const philox::Key key = philox::make_key(seed, name);
            keys.insert(std::uint64_t{key.high} << 32U | key.low);
        }
    CHECK(keys.size() == 700);
    CHECK(hash("a") == 0xaf63dc4c8601ec8cU);
}

TEST_CASE("normals have a normal's distribution") {
    const auto x = normals<float>(42, "noise", many, 3);
    CHECK(std::fabs(moment(x, 1)) < 4e-3);
    CHECK(moment(x, 2) == doctest::Approx(1).epsilon(6e-3));
    CHECK(std::fabs(moment(x, 3)) < 1e-2);
    CHECK(moment(x, 4) == doctest::Approx(3).epsilon(2e-2));
    CHECK(kolmogorov(x, [](double v) { return 0.5 * std::erfc(-v / std::sqrt(2.0)); }) < 1.95);
    CHECK(std::all_of(x.begin(), x.end(), [](float v) { return std::fabs(v) < 6.67F; }));
    for (const std::size_t lag : {1, 16, 32, 64}) {
        double correlation = 0;
        for (std::size_t i = 0; i + lag < many; ++i) correlation += x[i] * x[i + lag];
        CHECK(std::fabs(correlation / many) < 4e-3);
    }
}

TEST_CASE("uniforms are evenly spread over [0, 1)") {
    const auto x = uniforms<float>(42, "noise", many, 3);
    CHECK(std::all_of(x.begin(), x.end(), [](float v) { return v >= 0.0F && v < 1.0F; }));
    CHECK(moment(x, 1) == doctest::Approx(0.5).epsilon(3e-3));
    CHECK(moment(x, 2) == doctest::Approx(1.0 / 3).epsilon(3e-3));
    CHECK(kolmogorov(x, [](double v) { return v; }) < 1.95);
}

TEST_CASE("draws differ by draw number, name and seed, and by nothing else") {
    constexpr std::size_t count = 10000;
    const auto x = normals<float>(1, "noise", count, 5);
    CHECK(x == normals<float>(1, "noise", count, 5));
    CHECK(equal_fraction(x, normals<float>(1, "noise", count, 6)) < 0.01);
    CHECK(equal_fraction(x, normals<float>(1, "noise", count, 5 + (std::uint64_t{1} << 32U))) < 0.01);
    CHECK(equal_fraction(x, normals<float>(1, "other", count, 5)) < 0.01);
    CHECK(equal_fraction(x, normals<float>(2, "noise", count, 5)) < 0.01);

    Graph graph(1);
    random_uniform(graph, "before", {3});
    CHECK(x == evaluate<float>(random_normal(graph, "noise", {100, 100}), {}, 5));
    for (const std::size_t fewer : {1, 63, 65, 2047, 2049, 9999}) {
        const auto prefix = normals<float>(1, "noise", fewer, 5);
        CHECK(std::equal(prefix.begin(), prefix.end(), x.begin()));
    }
}

TEST_CASE("tiles in any order give the same draws") {
    Graph graph;
    for (const Tensor& x :
         {random_normal(graph, "normal", {5000}), random_uniform(graph, "uniform", {5000})}) {
        const Op& op = *graph.node(x.id()).op;
        CHECK_FALSE(op.pure());
        CHECK(op.tiles({{}, x.shape()}) > 1);
        CHECK(run_op<float>(op, {}, x.shape(), {}, 1) == run_op<float>(op, {}, x.shape(), {}, 1, true));
    }
}

TEST_CASE("float and double draw the same numbers") {
    const auto x = normals<float>(9, "noise", many, 0);
    const auto y = normals<double>(9, "noise", many, 0);
    double worst = 0;
    for (std::size_t i = 0; i < many; ++i) worst = std::max(worst, std::fabs(x[i] - y[i]));
    CHECK(worst < 1e-6);
    const auto u = uniforms<float>(9, "noise", 1000, 0);
    const auto v = uniforms<double>(9, "noise", 1000, 0);
    CHECK(std::equal(u.begin(), u.end(), v.begin(), [](float a, double b) { return a == b; }));
}

TEST_CASE("a Bernoulli draw is 1 with its probability") {
    Graph graph(3);
    const auto mean = [&](const Tensor& x) { return moment(evaluate<float>(x), 1); };
    CHECK(mean(bernoulli(graph, "mask", {many}, 0.3)) == doctest::Approx(0.3).epsilon(5e-3));
    CHECK(mean(bernoulli(graph, "never", {1000}, 0)) == 0);
    CHECK(mean(bernoulli(graph, "always", {1000}, 1)) == 1);
    CHECK_THROWS_AS(bernoulli(graph, "more", {2}, 1.5), Error);
    CHECK_THROWS_AS(bernoulli(graph, "nan", {2}, NAN), Error);
}

TEST_CASE("random nodes of one graph have names of their own") {
    Graph graph;
    const Tensor first = random_normal(graph, "noise", {2}, Where("first.cpp", 11));
    CHECK(graph.node(first.id()).name == "noise");
    std::string message;
    try {
        random_uniform(graph, "noise", {2}, Where("second.cpp", 22));
    } catch (const Error& error) {
        message = error.what();
    }
    CHECK(message.find("first.cpp:11") != std::string::npos);
    CHECK(message.find("second.cpp:22") != std::string::npos);
    CHECK_THROWS_AS(random_normal(graph, "", {2}), Error);
}
