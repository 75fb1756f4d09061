#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <xtensor/xarray.hpp>

#include <duet/data/safetensors.hpp>
#include <duet/models/metrics/estimate.hpp>

#include "../../same_bits.hpp"

namespace duet::models {

/// Independent normal numbers, column j of standard deviation scale[j], around `mean`.
inline Samples normal_samples(std::size_t n, const std::vector<double>& scale, std::uint64_t seed,
                              double mean = 0) {
    std::mt19937_64 engine(seed);
    std::normal_distribution<double> normal;
    Samples samples = Samples::from_shape({n, scale.size()});
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < scale.size(); ++j) samples(i, j) = mean + scale[j] * normal(engine);
    return samples;
}

inline Samples normal_samples(std::size_t n, std::size_t d, std::uint64_t seed, double mean = 0) {
    return normal_samples(n, std::vector<double>(d, 1.0), seed, mean);
}

/// The samples that are not of that block.
inline Samples without_block(const Samples& samples, std::size_t block) {
    const std::vector<std::uint8_t> block_of = jackknife_block_of(samples.shape()[0]);
    const std::size_t d = samples.shape()[1];
    std::vector<double> kept;
    for (std::size_t i = 0; i < block_of.size(); ++i)
        if (block_of[i] != block)
            kept.insert(kept.end(), samples.data() + i * d, samples.data() + (i + 1) * d);
    Samples result = Samples::from_shape({kept.size() / d, d});
    std::copy(kept.begin(), kept.end(), result.begin());
    return result;
}

/// Checks that draw(seed), an unbiased guess of `truth`, is so within three standard errors over the draws.
template <class Draw>
void check_mean(double truth, std::size_t draws, const Draw& draw) {
    double sum = 0, squares = 0;
    const double n = static_cast<double>(draws);
    for (std::size_t i = 0; i < draws; ++i) {
        const double value = draw(i);
        sum += value;
        squares += value * value;
    }
    const double mean = sum / n, error = std::sqrt((squares / n - mean * mean) / (n - 1));
    MESSAGE(mean << " +- " << error << ", expected " << truth);
    CHECK(std::abs(mean - truth) < 3 * error);
}

/// Checks that the intervals of draw(seed) hold the truth in at least 91 % of 200 draws: a nominal 95 %.
template <class Draw>
void check_coverage(double truth, const Draw& draw) {
#ifdef DUET_SANITIZED
    constexpr std::size_t draws = 20;
#else
    constexpr std::size_t draws = 200;
#endif
    std::size_t covered = 0;
    double sum = 0;
    for (std::size_t i = 0; i < draws; ++i) {
        const Estimate estimate = draw(i).estimate();
        covered += estimate.low <= truth && truth <= estimate.high;
        sum += estimate.value;
    }
    MESSAGE("covers " << covered << " of " << draws << ", mean " << sum / draws << ", truth " << truth);
    CHECK(covered * 100 >= draws * (draws < 200 ? 80 : 91));
}

inline bool same(const Jackknife& a, const Jackknife& b) {
    bool same = same_bits(a.value, b.value) && a.corrected == b.corrected;
    for (std::size_t i = 0; i < jackknife_blocks; ++i) same = same && same_bits(a.without[i], b.without[i]);
    return same;
}

/// Checks that measure(threads) is the same bits for 1, 2, 3 and 8 threads.
template <class Measure>
void check_threads(const Measure& measure) {
    const Jackknife one = measure(1);
    for (const std::size_t threads : {2, 3, 8})
        CHECK_MESSAGE(same(one, measure(threads)), threads << " threads");
}

/// What independent implementations make of small samples: tests/fixtures/README.md.
inline const SafetensorsOf<double>& distance_fixtures() {
    static const auto file =
        read_safetensors_as<double>(DUET_SOURCE_DIR "/tests/fixtures/distances.safetensors");
    return file;
}

inline const Samples& distance_fixture(const std::string& name) {
    const Samples* const found = distance_fixtures().find(name);
    REQUIRE_MESSAGE(found, name);
    return *found;
}

}  // namespace duet::models
