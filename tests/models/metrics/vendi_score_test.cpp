#include <duet/models/metrics/vendi_score.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <xtensor/xview.hpp>

#include <duet/graph/error.hpp>

#include "simulation.hpp"

using namespace duet;
using namespace duet::models;

namespace {

/// n samples in as many equal groups at right angles to each other, of different lengths.
Samples groups(std::size_t n, std::size_t count, std::size_t d) {
    Samples samples = xt::zeros<double>({n, d});
    for (std::size_t i = 0; i < n; ++i) samples(i, i % count) = 1 + static_cast<double>(i);
    return samples;
}

}  // namespace

TEST_CASE("the Vendi score counts groups") {
    for (const std::size_t count : {1UL, 2UL, 7UL, 50UL}) {
        const Jackknife score = vendi_score(groups(700, count, 60));
        CHECK(score.value == doctest::Approx(static_cast<double>(count)).epsilon(1e-9));
        CHECK_FALSE(score.corrected);
    }
}

TEST_CASE("the Vendi score of a kernel is that of its publishers") {
    const Samples kernel{{1, 0.9, 0}, {0.9, 1, 0}, {0, 0, 1}};
    CHECK(std::abs(vendi_score_of_kernel(kernel) - 2.1573) < 5e-5);
    CHECK(vendi_score_of_kernel(xt::ones<double>({30, 30})) == doctest::Approx(1).epsilon(1e-9));
    CHECK_THROWS_WITH_AS(vendi_score_of_kernel(Samples{{1, 0.9}, {0.8, 1}}),
                         "the kernel of samples 0 and 1 is 0.9 one way and 0.8 the other", Error);
    CHECK_THROWS_WITH_AS(vendi_score_of_kernel(Samples{{1, 0.9}, {0.9, 2}}),
                         "the kernel of sample 1 with itself is 2; expected 1", Error);
    CHECK_THROWS_AS(vendi_score_of_kernel(Samples{{1, 2}, {2, 1}}), Error);
    CHECK_THROWS_AS(vendi_score_of_kernel(Samples{{1, std::nan("")}, {std::nan(""), 1}}), Error);
    CHECK_THROWS_AS(vendi_score_of_kernel(xt::ones<double>({3, 4})), Error);
}

TEST_CASE("the Vendi score equals that of NumPy from the (n, n) kernel") {
    for (const std::string name : {"equal", "unequal", "singular", "few"}) {
        CAPTURE(name);
        const double expected = distance_fixture(name + "/vendi")(0);
        CHECK(vendi_score(distance_fixture(name + "/fake")).value == doctest::Approx(expected).epsilon(1e-9));
    }
}

TEST_CASE("a left-out block of the Vendi score is as if its samples were not there") {
    Samples samples = normal_samples(130, 7, 1, 0.5);
    xt::view(samples, xt::range(0, 20), xt::all()) = 0;
    const Jackknife all = vendi_score(samples);
    for (const std::size_t block : {0UL, 7UL, 19UL})
        CHECK(all.without.at(block) ==
              doctest::Approx(vendi_score(without_block(samples, block)).value).epsilon(1e-9));
}

TEST_CASE("samples of zeros are a group of their own, and sizes do not matter") {
    CHECK(vendi_score(xt::zeros<double>({50, 4})).value == doctest::Approx(1).epsilon(1e-9));
    Samples samples = groups(60, 3, 3);
    for (std::size_t i = 0; i < 60; i += 3) samples(i, 0) = 0;
    CHECK(vendi_score(samples).value == doctest::Approx(3).epsilon(1e-9));
    CHECK(vendi_score(samples * 1e300).value == doctest::Approx(3).epsilon(1e-9));
    CHECK(vendi_score(samples * 1e-310).value == doctest::Approx(3).epsilon(1e-9));
}

TEST_CASE("the Vendi score is the same bits at any number of threads, and refuses what it cannot judge") {
    const Samples samples = normal_samples(300, 130, 1);
    check_threads([&](std::size_t threads) { return vendi_score(samples, threads); });
    Samples broken = samples;
    broken(3, 2) = std::numeric_limits<double>::infinity();
    CHECK_THROWS_WITH_AS(vendi_score(broken), "fake sample 3 holds inf at place 2: it is not finite", Error);
}
