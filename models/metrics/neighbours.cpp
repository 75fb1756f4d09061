#include <duet/models/metrics/neighbours.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/models/metrics/blocked_rows.hpp>

namespace duet::models {

namespace {

/// A value without each block, and behind them that of all samples.
constexpr std::size_t versions = jackknife_blocks + 1, whole = jackknife_blocks;
/// A bit for each version.
using Mask = std::uint32_t;
constexpr Mask every_version = (Mask{1} << versions) - 1;

/// Squared radii of a side's balls.
struct Radii {
    std::vector<double> of;       ///< (samples, versions); whole is the least
    std::vector<double> largest;  ///< of a sample's versions

    /// The versions in which a sample's ball holds what is at that distance.
    Mask holds(std::size_t i, double distance) const {
        const double* const radius = of.data() + i * versions;
        if (distance < radius[whole]) return every_version;
        if (!(distance < largest[i])) return 0;
        Mask mask = 0;
        for (std::size_t b = 0; b < jackknife_blocks; ++b) mask |= Mask{distance < radius[b]} << b;
        return mask;
    }
};

Radii radii_of(const BlockedRows& side, std::size_t k, std::size_t threads) {
    const std::size_t count = side.rows().count;
    const std::vector<double> nearest = nearest_in_blocks(side.rows(), side, k, true, threads);
    Radii radii{std::vector<double>(count * versions), std::vector<double>(count)};
    std::vector<std::pair<double, std::size_t>> candidates(jackknife_blocks * k);
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t c = 0; c < candidates.size(); ++c)
            candidates[c] = {nearest[i * candidates.size() + c], c / k};
        std::sort(candidates.begin(), candidates.end());
        double* const radius = radii.of.data() + i * versions;
        radius[whole] = candidates[k - 1].first;
        for (std::size_t b = 0; b < jackknife_blocks; ++b) {
            auto kth = candidates.begin();
            for (std::size_t left = k;; ++kth)
                if (kth->second != b && --left == 0) break;
            // What leaves with block b has no ball in that version.
            radius[b] = side.block[i] == b ? radius[whole] : kth->first;
        }
        radii.largest[i] = *std::max_element(radius, radius + versions);
    }
    return radii;
}

using Counts = std::array<std::size_t, versions>;

void add(Mask mask, Counts& counts) {
    for (std::size_t v = 0; v < versions; ++v) counts[v] += mask >> v & 1U;
}

/// counts[v] / (samples of version v), over `divisor`.
Jackknife share(const Counts& counts, const BlockedRows& of, std::size_t divisor = 1) {
    const std::size_t all = of.rows().count;
    const auto over = [&](std::size_t v, std::size_t samples) {
        return static_cast<double>(counts[v]) / static_cast<double>(samples * divisor);
    };
    Jackknife result{over(whole, all), {}, false};
    for (std::size_t b = 0; b < jackknife_blocks; ++b) result.without[b] = over(b, all - of.range(b).size());
    return result;
}

void check_k(std::size_t k, std::size_t samples, const char* what) {
    const std::size_t remain = samples - ceil_divide(samples, jackknife_blocks);
    if (k == 0 || k >= remain)
        throw Error(
            fmt::format("k = {} for {} {} samples, of which {} remain without a block: expected 1 to {}", k,
                        samples, what, remain, remain - 1));
}

}  // namespace

NeighbourScores neighbour_scores(const Samples& real, const Samples& fake, std::size_t k,
                                 std::size_t threads) {
    check_pair(real, fake);
    check_k(k, real.shape()[0], "real");
    check_k(k, fake.shape()[0], "fake");
    const BlockedRows reals(rows_of(real)), fakes(rows_of(fake));
    const Radii real_radii = radii_of(reals, k, threads), fake_radii = radii_of(fakes, k, threads);

    // In which versions a real sample's ball holds a fake, a real sample is in the ball of a fake, and a fake
    // in that of a real sample; pairs of the latter are counted too.
    std::vector<Mask> holding(reals.block.size(), 0), recalled(reals.block.size(), 0);
    std::vector<std::atomic<Mask>> precise(fakes.block.size());
    std::array<std::atomic<std::size_t>, versions> pairs{};
    for_each_distance_tile(reals.rows(), fakes.rows(), threads, [&](const DistanceTile& tile) {
        Counts counts{};
        for (std::size_t i = 0; i < tile.rows.size(); ++i) {
            const std::size_t r = tile.rows.begin + i;
            const double reach = real_radii.largest[r];
            const double* const fake_reach = fake_radii.largest.data() + tile.columns.begin;
            for (std::size_t j = 0; j < tile.columns.size(); ++j) {
                const double distance = tile[i][j];
                if (!(distance < std::max(reach, fake_reach[j]))) continue;
                const std::size_t f = tile.columns.begin + j;
                const Mask present =
                    every_version & ~(Mask{1} << reals.block[r]) & ~(Mask{1} << fakes.block[f]);
                const Mask in_real = real_radii.holds(r, distance) & present;
                recalled[r] |= fake_radii.holds(f, distance) & present;
                if (in_real == 0) continue;
                holding[r] |= in_real;
                precise[f].fetch_or(in_real, std::memory_order_relaxed);
                add(in_real, counts);
            }
        }
        for (std::size_t v = 0; v < versions; ++v) pairs[v].fetch_add(counts[v], std::memory_order_relaxed);
    });

    Counts precision{}, recall{}, density{}, coverage{};
    for (const std::atomic<Mask>& mask : precise) add(mask, precision);
    for (const Mask mask : recalled) add(mask, recall);
    for (const Mask mask : holding) add(mask, coverage);
    for (std::size_t v = 0; v < versions; ++v) density[v] = pairs[v];
    return {share(precision, fakes), share(recall, reals), share(density, fakes, k), share(coverage, reals)};
}

}  // namespace duet::models
