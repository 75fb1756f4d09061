#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <xtensor/xarray.hpp>

#include <duet/data/dataset.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/metrics/anchors.hpp>
#include <duet/models/metrics/memorisation.hpp>

#include "drawn_samples.hpp"

using namespace duet;
using namespace duet::models;

namespace {

/// Pixels in [0, 1] of the first shipped digits.
Samples digits(Split split, std::size_t count) {
    const Dataset dataset = load_idx_folder(DUET_SOURCE_DIR "/data/mnist", split);
    Samples samples = Samples::from_shape({count, dataset.image_size()});
    for (std::size_t i = 0; i < samples.size(); ++i)
        samples.data()[i] = static_cast<double>(dataset.images[i]) / 255;
    return samples;
}

void check_same(const Memorisation& a, const Memorisation& b) {
    CHECK(same(a.copying, b.copying));
    CHECK(same(a.nearer_to_train, b.nearer_to_train));
    CHECK(a.near_distance == b.near_distance);
    CHECK(a.exact.size() == b.exact.size());
    REQUIRE(a.near.size() == b.near.size());
    for (std::size_t i = 0; i < a.near.size(); ++i) {
        CHECK(a.near[i].fake == b.near[i].fake);
        CHECK(a.near[i].train == b.near[i].train);
        CHECK(a.near[i].distance == b.near[i].distance);
    }
}

}  // namespace

TEST_CASE("C_T is SciPy's, in one cell and in the mean of those with enough fakes") {
    const auto file = read_safetensors_as<double>(DUET_SOURCE_DIR "/tests/fixtures/neighbours.safetensors");
    const auto& train = *file.find("copying/train");
    const auto& held_out = *file.find("copying/held_out");
    const auto& fake = *file.find("copying/fake");
    CHECK(std::abs(memorisation(train, held_out, fake).copying.value - (*file.find("copying/one_cell"))(0)) <
          1e-10);
    for (const std::uint64_t seed : {0U, 7U}) {
        const Memorisation cells = memorisation(train, held_out, fake, {3, seed, 0.001});
        CHECK(std::abs(cells.copying.value - (*file.find("copying/three_cells"))(0)) < 1e-10);
        REQUIRE(cells.cells.size() == 3);
        for (const CopyingCell& cell : cells.cells) CHECK(cell.counts == (cell.fake != 15));
    }
}

TEST_CASE("a perfect copier has the least C_T there is") {
    const Samples train = gaussian(1000, 5, 1), held_out = gaussian(1000, 5, 2);
    const Memorisation copier = memorisation(train, held_out, train);
    CHECK(std::abs(copier.copying.value + std::sqrt(3 * 1000.0 * 1000 / 2001)) < 1e-12);
    CHECK(copier.copying.value == doctest::Approx(-38.7).epsilon(1e-3));
    CHECK(copier.nearer_to_train.value == 1);
    CHECK(copier.exact.size() == 1000);
    CHECK(copier.near.empty());
    // In cells of their own numbers of samples.
    const Memorisation cells = memorisation(train, held_out, train, {3, 0, 0.001});
    double expected = 0;
    for (const CopyingCell& cell : cells.cells) {
        const auto n = static_cast<double>(cell.held_out), m = static_cast<double>(cell.fake);
        CHECK(std::abs(cell.z + std::sqrt(3 * n * m / (n + m + 1))) < 1e-12);
        expected += n / 1000 * cell.z;
    }
    CHECK(std::abs(cells.copying.value - expected) < 1e-12);
}

TEST_CASE("of fresh samples C_T is N(0, 1) in one cell and half are nearer to training samples, over draws") {
    Moments copying, nearer, near;
    std::size_t covered = 0, rare = 0;
    for (std::size_t draw = 0; draw < simulations; ++draw) {
        const Memorisation fresh = memorisation(gaussian(400, 6, 3 * draw), gaussian(300, 6, 3 * draw + 1),
                                                gaussian(350, 6, 3 * draw + 2), {1, draw, 0.01});
        CHECK(fresh.compared == 300);
        CHECK(fresh.exact.empty());
        CHECK(fresh.near_expected == doctest::Approx(350 * 3 / 301.0));
        copying.add(fresh.copying.value);
        nearer.add(fresh.nearer_to_train.value);
        near.add(static_cast<double>(fresh.near.size()) - fresh.near_expected);
        rare += fresh.near_chance < 0.05;
        const Estimate share = fresh.nearer_to_train.estimate();
        covered += share.low <= 0.5 && 0.5 <= share.high;
    }
    MESSAGE("C_T " << copying.mean() << ", variance " << copying.variance() << "; nearer " << nearer.mean()
                   << " +- " << nearer.standard_error() << ", covered " << covered << "; near " << near.mean()
                   << " +- " << near.standard_error() << ", rare " << rare);
    CHECK(std::abs(copying.mean()) < 3 / std::sqrt(copying.count));
    CHECK(std::abs(copying.variance() - 1) < 3 * std::sqrt(2 / (copying.count - 1)));
    CHECK(std::abs(nearer.mean() - 0.5) < 3 * nearer.standard_error());
    CHECK(std::abs(near.mean()) < 3 * near.standard_error());
    CHECK(static_cast<double>(rare) < 0.05 * copying.count + 3 * std::sqrt(0.05 * 0.95 * copying.count));
    CHECK(static_cast<double>(covered) >= 0.85 * copying.count);
}

TEST_CASE("digits held back pass every test of memorisation, copies fail each") {
    const Samples train = digits(Split::train, 1000), held_back = digits(Split::test, 1000);
    const Samples held_out = rows_between(held_back, 0, 500), fresh = rows_between(held_back, 500, 1000);
    for (const std::size_t cells : {1UL, 5UL}) {
        CAPTURE(cells);
        const MemorisationOptions options{cells, 0, 0.001};
        const Memorisation honest = memorisation(train, held_out, fresh, options);
        MESSAGE("fresh digits: C_T " << honest.copying.value << ", nearer " << honest.nearer_to_train.value
                                     << " +- " << honest.nearer_to_train.standard_error() << ", near "
                                     << honest.near.size() << ", chance " << honest.near_chance);
        CHECK(std::abs(honest.copying.value) < 3);
        CHECK(std::abs(honest.nearer_to_train.value - 0.5) < 3 * honest.nearer_to_train.standard_error());
        CHECK(honest.exact.empty());
        CHECK(honest.near_chance > 0.01);
        CHECK(honest.held_out_copies == 0);

        const Memorisation copier = memorisation(train, held_out, rows_between(train, 100, 600), options);
        MESSAGE("copies: C_T " << copier.copying.value << ", nearer " << copier.nearer_to_train.value
                               << " +- " << copier.nearer_to_train.standard_error());
        CHECK(copier.copying.value < -3);
        CHECK(copier.nearer_to_train.estimate().low > 0.5);
        CHECK(copier.near_chance < 1e-6);
        REQUIRE(copier.exact.size() == 500);
        CHECK(copier.exact[7].fake == 7);
        CHECK(copier.exact[7].train == 107);

        Samples noisy = rows_between(train, 100, 600);
        for (double& value : noisy) value = std::min(1.0, value + 0x1p-10);
        const Memorisation close = memorisation(train, held_out, noisy, options);
        CHECK(close.copying.value < -3);
        CHECK(close.exact.empty());
        CHECK(close.near_chance < 1e-6);
        REQUIRE(close.near.size() == 500);
        CHECK(close.near[7].train == 107);
        CHECK(close.near[7].distance < close.near_distance);
    }
}

TEST_CASE("an exact copy is told from one that is as good as equal, and the first of equal rows is named") {
    Samples train = gaussian(50, 4, 1);
    for (std::size_t k = 0; k < 4; ++k) train(40, k) = train(3, k);
    Samples fake = gaussian(40, 4, 2);
    for (std::size_t k = 0; k < 4; ++k) fake(5, k) = fake(6, k) = train(40, k);
    fake(6, 2) = std::nextafter(fake(6, 2), 100.0);
    const Memorisation found = memorisation(train, gaussian(40, 4, 3), fake);
    REQUIRE(found.exact.size() == 1);
    CHECK(found.exact[0].fake == 5);
    CHECK(found.exact[0].train == 3);
    REQUIRE(found.near.size() >= 1);
    CHECK(found.near[0].fake == 6);
    CHECK(found.near[0].train == 3);
    CHECK(found.near[0].distance > 0);
    CHECK(found.near[0].distance < 1e-15);
    const Memorisation leaked = memorisation(train, rows_between(train, 0, 40), fake);
    CHECK(leaked.held_out_copies == 40);
    CHECK(leaked.near_distance == 0);
    CHECK(leaked.near.empty());
}

TEST_CASE("values without a block are exactly those of the samples that remain") {
    const Samples train = gaussian(90, 3, 1), held_out = gaussian(90, 3, 2), fake = gaussian(133, 3, 3, 0.9);
    const MemorisationOptions options{2, 5, 0.001};
    const Memorisation all = memorisation(train, held_out, fake, options);
    for (std::size_t b = 0; b < jackknife_blocks; ++b) {
        CAPTURE(b);
        const Samples less_held_out = without_block(held_out, b), less_fake = without_block(fake, b);
        CHECK(all.copying.without[b] == memorisation(train, less_held_out, less_fake, options).copying.value);
        CHECK(all.nearer_to_train.without[b] ==
              memorisation(without_block(train, b), less_held_out, less_fake).nearer_to_train.value);
    }
}

TEST_CASE("memorisation has the same bits at any thread count") {
    const Samples train = gaussian(500, 10, 1), held_out = gaussian(300, 10, 2), fake = gaussian(400, 10, 3);
    const MemorisationOptions options{4, 1, 0.02};
    const Memorisation one = memorisation(train, held_out, fake, options);
    for (const std::size_t threads : {2UL, 3UL, 8UL})
        check_same(one, memorisation(train, held_out, fake, options, threads));
}

TEST_CASE("samples that memorisation cannot be judged by are refused") {
    const Samples good = gaussian(60, 3, 1);
    CHECK_THROWS_WITH_AS(memorisation(good, gaussian(60, 4, 1), good),
                         "training samples have 3 values, held-out ones 4, fake ones 3: they must come from "
                         "the same network",
                         Error);
    CHECK_THROWS_WITH_AS(memorisation(good, good, gaussian(39, 3, 1)),
                         "39 fake samples; at least 40 are needed for an interval", Error);
    Samples broken = good;
    broken(2, 2) = std::numeric_limits<double>::infinity();
    CHECK_THROWS_AS(memorisation(good, broken, good), Error);
    CHECK_THROWS_AS(memorisation(good, good, good, {0, 0, 0.1}), Error);
    CHECK_THROWS_AS(memorisation(good, good, good, {61, 0, 0.1}), Error);
    CHECK_THROWS_WITH_AS(memorisation(good, good, good, {1, 0, 1.5}), "a near_share of 1.5: expected 0 to 1",
                         Error);
    CHECK_THROWS_WITH_AS(memorisation(good, good, good, {20, 0, 0.1}),
                         "none of 20 cells has more than 20 fakes, a held-out and a training sample: ask for "
                         "fewer cells",
                         Error);
}

TEST_CASE("an image that is not there cannot be chosen") {
    const Dataset data{2, 1, 1, 1, {3, 4}, {}, {}};
    CHECK(chosen_images(data, {1, 0}).images == Bytes{4, 3});
    CHECK_THROWS_AS(chosen_images(data, {2}), Error);
}
