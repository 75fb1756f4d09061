#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/models/metrics/estimate.hpp>

using namespace duet;
using namespace duet::models;

TEST_CASE("blocks are of the same size and mix what is sorted") {
    for (const std::size_t n : {40UL, 999UL, 10'000UL}) {
        CAPTURE(n);
        std::array<std::size_t, jackknife_blocks> sizes{}, first_half{};
        const auto block = jackknife_block_of(n);
        REQUIRE(block.size() == n);
        for (std::size_t i = 0; i < n; ++i) {
            ++sizes.at(block[i]);
            first_half.at(block[i]) += i < n / 2;
        }
        for (std::size_t b = 0; b < jackknife_blocks; ++b) {
            CHECK(sizes[b] >= n / jackknife_blocks);
            CHECK(sizes[b] <= n / jackknife_blocks + 1);
            if (n == 10'000) CHECK(std::abs(static_cast<double>(first_half[b]) - 250.0) < 60.0);
        }
    }
}

TEST_CASE("the jackknife of a mean is the mean and its standard error, that of v + c/n is v") {
    constexpr std::size_t n = 400;
    const auto block = jackknife_block_of(n);
    std::array<double, jackknife_blocks> sums{}, counts{};
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const double x = std::sin(static_cast<double>(i * i));
        sum += x;
        sums.at(block[i]) += x;
        ++counts.at(block[i]);
    }
    Jackknife mean{sum / n, {}, true}, biased{sum / n + 100.0 / n, {}, true};
    for (std::size_t b = 0; b < jackknife_blocks; ++b) {
        mean.without[b] = (sum - sums[b]) / (n - counts[b]);
        biased.without[b] = mean.without[b] + 100.0 / (n - counts[b]);
    }
    double squares = 0;
    for (std::size_t b = 0; b < jackknife_blocks; ++b) {
        const double each = sums[b] / counts[b] - sum / n;
        squares += each * each;
    }
    const double error = std::sqrt(squares / (jackknife_blocks * (jackknife_blocks - 1)));
    CHECK(mean.standard_error() == doctest::Approx(error).epsilon(1e-9));
    const Estimate estimate = mean.estimate();
    CHECK(estimate.value == doctest::Approx(sum / n).epsilon(1e-9));
    CHECK(estimate.high - estimate.low == doctest::Approx(2 * 2.0930240544 * error).epsilon(1e-9));
    CHECK(biased.estimate().value == doctest::Approx(sum / n).epsilon(1e-9));
    biased.corrected = false;
    CHECK(biased.estimate().value == doctest::Approx(sum / n + 0.25).epsilon(1e-9));
    CHECK((biased - mean).value == doctest::Approx(0.25).epsilon(1e-9));
}

TEST_CASE("samples that cannot be judged are refused") {
    const Samples good = xt::zeros<double>({40, 3}), few = xt::zeros<double>({39, 3}),
                  wide = xt::zeros<double>({40, 4}), flat = xt::zeros<double>({40});
    Samples broken = good;
    broken(7, 1) = std::numeric_limits<double>::quiet_NaN();
    CHECK_NOTHROW(check_pair(good, good));
    CHECK_THROWS_WITH_AS(check_pair(good, few), "39 fake samples; at least 40 are needed for an interval",
                         Error);
    CHECK_THROWS_WITH_AS(check_pair(good, wide),
                         "real samples have 3 values, fake ones 4: they must come from the same network",
                         Error);
    CHECK_THROWS_WITH_AS(check_pair(flat, good),
                         "the real samples have 1 axes; expected (n, d), a row a sample", Error);
    CHECK_THROWS_WITH_AS(check_pair(broken, good), "real sample 7 holds nan at place 1: it is not finite",
                         Error);
}

TEST_CASE("every index is worked on once, and an exception comes through") {
    std::vector<int> seen(1000);
    for_each_index(seen.size(), 3, [&](std::size_t i) { ++seen[i]; });
    CHECK(std::all_of(seen.begin(), seen.end(), [](int times) { return times == 1; }));
    CHECK_THROWS_WITH(for_each_index(9, 2,
                                     [](std::size_t i) {
                                         if (i >= 3) throw Error(std::to_string(i));
                                     }),
                      "3");
}
