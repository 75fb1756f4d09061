#include <duet/models/metrics/sliced_wasserstein.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <duet/graph/error.hpp>
#include <duet/models/metrics/unit_directions.hpp>

#include "simulation.hpp"

using namespace duet;
using namespace duet::models;

TEST_CASE("the Monge distance equals NumPy's along given directions, of unequal numbers too") {
    for (const std::string name : {"equal", "unequal", "singular", "few"}) {
        CAPTURE(name);
        const Samples &real = distance_fixture(name + "/real"), &fake = distance_fixture(name + "/fake"),
                      &directions = distance_fixture(name + "/directions");
        const double expected = distance_fixture(name + "/monge")(0);
        CHECK(monge_distance_along(real, fake, directions).value == doctest::Approx(expected).epsilon(1e-9));
        CHECK(monge_distance_along(fake, real, directions).value == doctest::Approx(expected).epsilon(1e-9));
    }
}

TEST_CASE("a left-out block of the Monge distance is as if its samples were not there") {
    for (const std::size_t n : {130UL, 95UL}) {
        const Samples real = normal_samples(n, 7, 1), fake = normal_samples(95, 7, 2, 1);
        const Jackknife all = monge_distance(real, fake, 3, 30);
        CHECK(all.corrected);
        for (const std::size_t block : {0UL, 7UL, 19UL})
            CHECK(all.without.at(block) ==
                  doctest::Approx(
                      monge_distance(without_block(real, block), without_block(fake, block), 3, 30).value)
                      .epsilon(1e-9));
    }
}

TEST_CASE("the Monge distance of a shift is 3 d m^2, of a set and itself 0") {
    const Samples samples = normal_samples(100, 8, 1);
    CHECK(monge_distance(samples, samples).value == 0);
    CHECK(monge_distance(samples, samples).estimate().high == 0);
    const Samples line = normal_samples(100, 1, 1);
    CHECK(monge_distance(line, line + 2.0).value == doctest::Approx(12).epsilon(1e-12));
    check_mean(3 * 16 * 0.25, 100, [](std::size_t i) {
        return monge_distance(normal_samples(500, 16, 2 * i), normal_samples(400, 16, 2 * i + 1, 0.5), i, 100)
            .estimate()
            .value;
    });
}

TEST_CASE("intervals of the Monge distance cover the truth") {
    constexpr double shift = 0.1, scale = 1.0626;
    const Samples directions = unit_directions(100, 24, 0);
    double truth = 0;
    for (std::size_t i = 0; i < 100; ++i) {
        double sum = 0;
        for (std::size_t j = 0; j < 24; ++j) sum += directions(i, j) * shift;
        truth += 3 * 24 * (sum * sum + (scale - 1) * (scale - 1)) / 100;
    }
    check_coverage(truth, [&](std::size_t i) {
        return monge_distance_along(normal_samples(400, 24, 2 * i),
                                    normal_samples(400, std::vector<double>(24, scale), 2 * i + 1, shift),
                                    directions);
    });
    check_coverage(0, [&](std::size_t i) {
        return monge_distance_along(normal_samples(400, 24, 2 * i), normal_samples(100, 24, 2 * i + 1),
                                    directions);
    });
}

TEST_CASE("the Monge distance is the same bits at any number of threads") {
    const Samples real = normal_samples(300, 33, 1), fake = normal_samples(250, 33, 2, 0.3);
    check_threads([&](std::size_t threads) { return monge_distance(real, fake, 1, 100, threads); });
}

TEST_CASE("the Monge distance of constant sets, and what it refuses") {
    const Samples grey = xt::ones<double>({60, 1}) * 0.5, black = xt::zeros<double>({50, 1});
    const Jackknife constant = monge_distance(grey, black);
    CHECK(constant.value == doctest::Approx(0.75).epsilon(1e-9));
    CHECK(constant.standard_error() < 1e-9);
    Samples broken = black;
    broken(3, 0) = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_WITH_AS(monge_distance(grey, broken), "fake sample 3 holds nan at place 0: it is not finite",
                         Error);
    CHECK_THROWS_WITH_AS(monge_distance(grey, xt::zeros<double>({50, 6})),
                         "real samples have 1 values, fake ones 6: they must come from the same network",
                         Error);
    CHECK_THROWS_WITH_AS(monge_distance(grey * 1e200, black),
                         "the Monge distance is not finite: the samples are too large", Error);
    CHECK_THROWS_WITH_AS(monge_distance(grey, black, 0, 0),
                         "directions must be of shape (m, 1), as wide as the samples, m at least 1", Error);
    CHECK_THROWS_WITH_AS(monge_distance_along(grey, black, xt::ones<double>({2, 2})),
                         "directions must be of shape (m, 1), as wide as the samples, m at least 1", Error);
    CHECK_THROWS_WITH_AS(monge_distance_along(grey, black, xt::ones<double>({2, 1}) * 2.0),
                         "direction 0 has length 2; expected 1", Error);
}
