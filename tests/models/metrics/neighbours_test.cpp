#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/models/metrics/neighbours.hpp>

#include "drawn_samples.hpp"

using namespace duet;
using namespace duet::models;

namespace {

void check_same(const NeighbourScores& a, const NeighbourScores& b) {
    CHECK(same(a.precision, b.precision));
    CHECK(same(a.recall, b.recall));
    CHECK(same(a.density, b.density));
    CHECK(same(a.coverage, b.coverage));
}

/// Each block left out is as if its samples had never been.
void check_left_out(const Samples& real, const Samples& fake, std::size_t k) {
    const NeighbourScores scores = neighbour_scores(real, fake, k);
    for (std::size_t b = 0; b < jackknife_blocks; ++b) {
        CAPTURE(b);
        const NeighbourScores rest = neighbour_scores(without_block(real, b), without_block(fake, b), k);
        CHECK(scores.precision.without[b] == rest.precision.value);
        CHECK(scores.recall.without[b] == rest.recall.value);
        CHECK(scores.density.without[b] == rest.density.value);
        CHECK(scores.coverage.without[b] == rest.coverage.value);
    }
}

}  // namespace

TEST_CASE("precision, recall, density and coverage are prdc's") {
    const auto file = read_safetensors_as<double>(DUET_SOURCE_DIR "/tests/fixtures/neighbours.safetensors");
    for (const std::string name : {"equal", "unequal"}) {
        CAPTURE(name);
        const auto k = static_cast<std::size_t>((*file.find(name + "/k"))(0));
        const auto& expected = *file.find(name + "/scores");
        const NeighbourScores scores =
            neighbour_scores(*file.find(name + "/real"), *file.find(name + "/fake"), k);
        CHECK(std::abs(scores.precision.value - expected(0)) < 1e-12);
        CHECK(std::abs(scores.recall.value - expected(1)) < 1e-12);
        CHECK(std::abs(scores.density.value - expected(2)) < 1e-12);
        CHECK(std::abs(scores.coverage.value - expected(3)) < 1e-12);
    }
}

TEST_CASE("values without a block are exactly those of the samples that remain") {
    check_left_out(gaussian(130, 4, 1), gaussian(97, 4, 2, 0.7), 3);
    // Copies of real samples lie on the border of balls, and many pairs within them.
    const Samples real = gaussian(120, 2, 3);
    Samples fake = gaussian(120, 2, 4, 0.1);
    for (std::size_t i = 0; i < 60; ++i)
        for (std::size_t k = 0; k < 2; ++k) fake(i, k) = real(i / 2, k);
    check_left_out(real, fake, 5);
}

TEST_CASE("of two samples of one law density is 1 and coverage the product, over draws") {
    constexpr std::size_t n = 1000, m = 500, k = 3;
    double none = 1;
    for (std::size_t i = 1; i <= k; ++i) none *= static_cast<double>(n - i) / static_cast<double>(n + m - i);
    CHECK(1 - none == doctest::Approx(0.7043).epsilon(1e-4));
    Moments density, coverage;
    for (std::size_t draw = 0; draw < simulations; ++draw) {
        const NeighbourScores scores =
            neighbour_scores(gaussian(n, 8, 2 * draw), gaussian(m, 8, 2 * draw + 1), k);
        density.add(scores.density.value);
        coverage.add(scores.coverage.value);
    }
    MESSAGE("density " << density.mean() << " +- " << density.standard_error() << ", coverage "
                       << coverage.mean() << " +- " << coverage.standard_error());
    CHECK(std::abs(density.mean() - 1) < 3 * density.standard_error());
    CHECK(std::abs(coverage.mean() - (1 - none)) < 3 * coverage.standard_error());
}

TEST_CASE("a collapsed generator has precision, not recall") {
    const NeighbourScores scores = neighbour_scores(gaussian(200, 16, 1, 3), gaussian(200, 16, 2, 0.1));
    CHECK(scores.precision.value > 0.8);
    CHECK(scores.recall.value < 0.3);
    CHECK_FALSE(scores.precision.corrected);
}

TEST_CASE("neighbour scores have the same bits at any thread count") {
    const Samples real = gaussian(611, 10, 1), fake = gaussian(700, 10, 2);
    const NeighbourScores scores = neighbour_scores(real, fake);
    for (const std::size_t threads : {2UL, 3UL, 8UL})
        check_same(scores, neighbour_scores(real, fake, 5, threads));
}

TEST_CASE("neighbours that do not exist are refused") {
    const Samples few = gaussian(40, 3, 1), more = gaussian(60, 3, 2);
    CHECK_NOTHROW(neighbour_scores(few, more, 37));
    CHECK_THROWS_WITH_AS(neighbour_scores(more, few, 38),
                         "k = 38 for 40 fake samples, of which 38 remain without a block: expected 1 to 37",
                         Error);
    CHECK_THROWS_AS(neighbour_scores(few, more, 0), Error);
    CHECK_THROWS_AS(neighbour_scores(few, gaussian(40, 4, 1)), Error);
    Samples broken = few;
    broken(3, 1) = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_WITH_AS(neighbour_scores(few, broken),
                         "fake sample 3 holds nan at place 1: it is not finite", Error);
}
