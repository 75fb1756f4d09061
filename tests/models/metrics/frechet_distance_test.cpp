#include <duet/models/metrics/frechet_distance.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <duet/graph/error.hpp>

#include "simulation.hpp"

using namespace duet;
using namespace duet::models;

TEST_CASE("the Frechet distance equals SciPy's, also where covariances are singular") {
    for (const std::string name : {"equal", "unequal", "singular", "few"}) {
        CAPTURE(name);
        const Samples &real = distance_fixture(name + "/real"), &fake = distance_fixture(name + "/fake");
        const double expected = distance_fixture(name + "/frechet")(0);
        CHECK(frechet_distance(real, fake).value == doctest::Approx(expected).epsilon(1e-6));
        CHECK(frechet_distance(fake, real).value == doctest::Approx(expected).epsilon(1e-6));
    }
}

TEST_CASE("a left-out block of the Frechet distance is as if its samples were not there") {
    const Samples real = normal_samples(130, 7, 1, 1e4), fake = normal_samples(95, 7, 2, 1e4 + 1);
    const Jackknife all = frechet_distance(real, fake);
    CHECK(all.corrected);
    for (const std::size_t block : {0UL, 7UL, 19UL})
        CHECK(all.without.at(block) ==
              doctest::Approx(frechet_distance(without_block(real, block), without_block(fake, block)).value)
                  .epsilon(1e-9));
}

TEST_CASE("the Frechet distance of samples of one distribution is its null bias on average") {
    std::vector<double> eigenvalues(16, 1.0);
    CHECK(frechet_null_bias(eigenvalues, 500, 500) == doctest::Approx(0.336).epsilon(1e-12));
    for (const bool flat : {true, false}) {
        CAPTURE(flat);
        std::vector<double> scale(16, 1.0);
        for (std::size_t i = 0; !flat && i < 16; ++i) {
            eigenvalues[i] = 1 / static_cast<double>(i + 1);
            scale[i] = std::sqrt(eigenvalues[i]);
        }
        check_mean(frechet_null_bias(eigenvalues, 2000, 1000), 100, [&](std::size_t i) {
            return frechet_distance(normal_samples(2000, scale, 2 * i),
                                    normal_samples(1000, scale, 2 * i + 1))
                .value;
        });
    }
    CHECK(frechet_null_bias(std::array{0.0, -1e-17, 1.0}, 1, 1) == doctest::Approx(3.0));
    CHECK_THROWS_AS(frechet_null_bias(eigenvalues, 0, 10), Error);
    CHECK_THROWS_AS(frechet_null_bias(std::array{std::nan("")}, 10, 10), Error);
}

TEST_CASE("intervals of the Frechet distance cover the truth") {
    constexpr double shift = 0.1, scale = 1.0626;
    constexpr double truth = 24 * (shift * shift + (scale - 1) * (scale - 1));
    check_coverage(truth, [&](std::size_t i) {
        return frechet_distance(normal_samples(400, 24, 2 * i),
                                normal_samples(400, std::vector<double>(24, scale), 2 * i + 1, shift));
    });
    check_coverage(0, [&](std::size_t i) {
        return frechet_distance(normal_samples(400, 24, 2 * i), normal_samples(1000, 24, 2 * i + 1));
    });
}

TEST_CASE("the Frechet distance is the same bits at any number of threads") {
    const Samples real = normal_samples(300, 130, 1), fake = normal_samples(250, 130, 2, 0.3);
    check_threads([&](std::size_t threads) { return frechet_distance(real, fake, threads); });
}

TEST_CASE("the Frechet distance of sets that are constant, alike or fewer than their features") {
    const Samples grey = xt::ones<double>({60, 5}) * 0.3, black = xt::zeros<double>({50, 5});
    const Jackknife constant = frechet_distance(grey, black);
    CHECK(constant.value == doctest::Approx(5 * 0.09).epsilon(1e-9));
    CHECK(constant.standard_error() < 1e-9);
    const Samples wide = normal_samples(44, 90, 1);
    CHECK(frechet_distance(wide, wide).value < 1e-5);
    const Samples moved = wide + 2.0;
    CHECK(frechet_distance(wide, moved).value == doctest::Approx(90 * 4).epsilon(1e-6));
    CHECK(frechet_distance(wide, xt::zeros<double>({40, 90})).value ==
          doctest::Approx(frechet_distance(xt::zeros<double>({40, 90}), wide).value).epsilon(1e-9));
}

TEST_CASE("the Frechet distance refuses what it cannot judge") {
    const Samples good = normal_samples(50, 4, 1), wide = normal_samples(50, 5, 1);
    Samples broken = good;
    broken(3, 2) = std::numeric_limits<double>::infinity();
    CHECK_THROWS_WITH_AS(frechet_distance(good, wide),
                         "real samples have 4 values, fake ones 5: they must come from the same network",
                         Error);
    CHECK_THROWS_WITH_AS(frechet_distance(good, broken),
                         "fake sample 3 holds inf at place 2: it is not finite", Error);
    CHECK_THROWS_AS(frechet_distance(good * 1e200, good), Error);
    CHECK_THROWS_AS(frechet_distance(good, good * 1e200), Error);
}

TEST_CASE("the eigenvalues of a covariance") {
    const Samples& samples = distance_fixture("equal/real");
    const Samples& expected = distance_fixture("equal/covariance_eigenvalues");
    const std::vector<double> values = covariance_eigenvalues(samples, 2);
    REQUIRE(values.size() == expected.size());
    for (std::size_t i = 0; i < values.size(); ++i)
        CHECK(values[i] == doctest::Approx(expected(i)).epsilon(1e-9));
}
