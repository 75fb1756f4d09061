#include <duet/models/metrics/kernel_distance.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <duet/graph/error.hpp>

#include "simulation.hpp"

using namespace duet;
using namespace duet::models;

namespace {

/// Of N(0, I) and N(mu, I), m = |mu|^2.
double kernel_distance_of_shift(double d, double m) {
    return 3 * m / d + 3 * m * m / (d * d) + 3 * m / (d * d) + (m * m * m + 6 * m * m + 6 * m) / (d * d * d);
}

}  // namespace

TEST_CASE("the kernel distance equals NumPy's") {
    for (const std::string name : {"equal", "unequal", "singular", "few"}) {
        CAPTURE(name);
        const Samples &real = distance_fixture(name + "/real"), &fake = distance_fixture(name + "/fake");
        const double expected = distance_fixture(name + "/kernel")(0);
        CHECK(kernel_distance(real, fake).value == doctest::Approx(expected).epsilon(1e-9));
        CHECK(kernel_distance(fake, real).value == doctest::Approx(expected).epsilon(1e-9));
    }
}

TEST_CASE("a left-out block of the kernel distance is as if its samples were not there") {
    // Blocks of more samples than a tile has rows and columns.
    const Samples real = normal_samples(2700, 3, 1), fake = normal_samples(95, 3, 2, 1);
    const Jackknife all = kernel_distance(real, fake);
    CHECK_FALSE(all.corrected);
    for (const std::size_t block : {0UL, 7UL, 19UL})
        CHECK(all.without.at(block) ==
              doctest::Approx(kernel_distance(without_block(real, block), without_block(fake, block)).value)
                  .epsilon(1e-9));
}

TEST_CASE("the kernel distance of a shift") {
    for (const double m : {0.0, 4.0, 16.0}) {
        CAPTURE(m);
        check_mean(kernel_distance_of_shift(32, m), 100, [&](std::size_t i) {
            return kernel_distance(normal_samples(200, 32, 2 * i),
                                   normal_samples(150, 32, 2 * i + 1, std::sqrt(m / 32)))
                .value;
        });
    }
}

TEST_CASE("intervals of the kernel distance cover the truth") {
    check_coverage(kernel_distance_of_shift(24, 0.24), [&](std::size_t i) {
        return kernel_distance(normal_samples(400, 24, 2 * i), normal_samples(400, 24, 2 * i + 1, 0.1));
    });
}

TEST_CASE("the kernel distance is the same bits at any number of threads") {
    const Samples real = normal_samples(500, 33, 1), fake = normal_samples(410, 33, 2, 0.3);
    check_threads([&](std::size_t threads) { return kernel_distance(real, fake, threads); });
}

TEST_CASE("the kernel distance of constant sets, and what it refuses") {
    const Samples ones = xt::ones<double>({60, 5}), black = xt::zeros<double>({50, 5});
    const Jackknife constant = kernel_distance(ones, black);
    CHECK(constant.value == doctest::Approx(8 + 1 - 2).epsilon(1e-9));
    CHECK(constant.standard_error() < 1e-9);
    Samples broken = black;
    broken(3, 2) = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_WITH_AS(kernel_distance(ones, broken),
                         "fake sample 3 holds nan at place 2: it is not finite", Error);
    CHECK_THROWS_WITH_AS(kernel_distance(ones, xt::zeros<double>({50, 6})),
                         "real samples have 5 values, fake ones 6: they must come from the same network",
                         Error);
    CHECK_THROWS_WITH_AS(kernel_distance(ones * 1e60, black),
                         "the kernel distance is not finite: the samples are too large", Error);
}
