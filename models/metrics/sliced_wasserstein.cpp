#include <duet/models/metrics/sliced_wasserstein.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/graph/pieces.hpp>
#include <duet/models/metrics/gram.hpp>
#include <duet/models/metrics/unit_directions.hpp>
#include <duet/ops/kernels/panel_product.hpp>

namespace duet::models {

namespace {

/// Directions whose products are taken together.
constexpr std::size_t tile_directions = 2 * panel_rows;

/// The distance without each block, and last that of all samples.
using Distances = std::array<double, jackknife_blocks + 1>;

/// Which samples in ascending order go together, and with what share of the whole: the steps of both quantile
/// functions. It depends on the numbers of samples alone.
class Coupling {
 public:
    Coupling(std::size_t n_a, std::size_t n_b) : equal_(n_a == n_b) {
        if (equal_) return;
        const double all = static_cast<double>(n_a) * static_cast<double>(n_b);
        std::size_t left_a = n_b, left_b = n_a;
        for (std::size_t i = 0, j = 0; i < n_a;) {
            const std::size_t step = std::min(left_a, left_b);
            steps_.push_back({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j),
                              static_cast<double>(step) / all});
            if ((left_a -= step) == 0) ++i, left_a = n_b;
            if ((left_b -= step) == 0) ++j, left_b = n_a;
        }
    }

    double squared_distance(const double* a, const double* b, std::size_t n_a) const {
        if (!equal_)
            return sum_of(steps_.size(), [&](std::size_t k) {
                const Step& step = steps_[k];
                const double difference = a[step.a] - b[step.b];
                return step.share * (difference * difference);
            });
        const double sum = sum_of(n_a, [&](std::size_t i) { return (a[i] - b[i]) * (a[i] - b[i]); });
        return sum / static_cast<double>(n_a);
    }

 private:
    struct Step {
        std::uint32_t a, b;
        double share;
    };

    /// Adds up in four chains, whatever registers there are.
    template <class Term>
    static double sum_of(std::size_t count, const Term& term) {
        std::array<double, 4> sums{};
        for (std::size_t k = 0; k < count / 4 * 4; k += 4)
            for (std::size_t lane = 0; lane < 4; ++lane) sums[lane] += term(k + lane);
        for (std::size_t k = count / 4 * 4; k < count; ++k) sums[k % 4] += term(k);
        return (sums[0] + sums[2]) + (sums[1] + sums[3]);
    }

    bool equal_;
    std::vector<Step> steps_;
};

/// One side along one direction, in ascending order.
class Projection {
 public:
    explicit Projection(const std::vector<std::uint8_t>& block_of)
        : block_of_(block_of), keyed_(block_of.size()), other_(block_of.size()), kept_(block_of.size()) {}

    /// By radix, a byte at a time from the lowest: the order of any numbers, NaN too, in time of their count.
    void sort(const double* values) {
        std::array<std::array<std::uint32_t, 256>, 8> begins{};
        for (std::size_t i = 0; i < keyed_.size(); ++i) {
            const std::uint64_t key = key_of(values[i]);
            keyed_[i] = {key, block_of_[i]};
            for (std::size_t byte = 0; byte < 8; ++byte) ++begins[byte][digit(key, byte)];
        }
        for (std::size_t byte = 0; byte < 8; ++byte) {
            if (begins[byte][digit(keyed_[0].key, byte)] == keyed_.size()) continue;
            std::uint32_t begin = 0;
            for (std::uint32_t& each : begins[byte]) begin += std::exchange(each, begin);
            for (const Keyed& each : keyed_) other_[begins[byte][digit(each.key, byte)]++] = each;
            keyed_.swap(other_);
        }
    }

    std::span<const double> without(std::size_t block) {
        std::size_t count = 0;
        for (const Keyed& each : keyed_) {
            kept_[count] = value_of(each.key);
            count += each.block != block;
        }
        return {kept_.data(), count};
    }

 private:
    struct Keyed {
        std::uint64_t key, block;
    };
    static constexpr std::uint64_t sign = std::uint64_t{1} << 63U;

    /// A whole number that is the larger the larger the value is.
    static std::uint64_t key_of(double value) {
        const auto bits = std::bit_cast<std::uint64_t>(value);
        return bits & sign ? ~bits : bits | sign;
    }
    static double value_of(std::uint64_t key) {
        return std::bit_cast<double>(key & sign ? key ^ sign : ~key);
    }
    static std::size_t digit(std::uint64_t key, std::size_t byte) { return key >> (8 * byte) & 0xffU; }

    const std::vector<std::uint8_t>& block_of_;
    std::vector<Keyed> keyed_, other_;
    std::vector<double> kept_;
};

/// Both sides along some of the directions.
class Slices {
 public:
    Slices(const Samples& real, const Samples& fake, const Samples& directions)
        : real_(real),
          fake_(fake),
          directions_(directions),
          real_block_(jackknife_block_of(real.shape()[0])),
          fake_block_(jackknife_block_of(fake.shape()[0])) {
        for (std::size_t block = 0; block <= jackknife_blocks; ++block)
            couplings_.try_emplace(counts_without(block), counts_without(block).first,
                                   counts_without(block).second);
    }

    void measure(const Range& which, Distances* distances) const {
        const auto scratch = new_product_scratch();
        const auto real_values = project(real_, which, scratch.get()),
                   fake_values = project(fake_, which, scratch.get());
        Projection real(real_block_), fake(fake_block_);
        for (std::size_t i = 0; i < which.size(); ++i) {
            real.sort(real_values.get() + i * real_block_.size());
            fake.sort(fake_values.get() + i * fake_block_.size());
            for (std::size_t block = 0; block <= jackknife_blocks; ++block) {
                const auto a = real.without(block), b = fake.without(block);
                distances[which.begin + i][block] =
                    couplings_.at({a.size(), b.size()}).squared_distance(a.data(), b.data(), a.size());
            }
        }
    }

 private:
    std::pair<std::size_t, std::size_t> counts_without(std::size_t block) const {
        const auto count = [&](const std::vector<std::uint8_t>& of) {
            return of.size() - static_cast<std::size_t>(std::count(of.begin(), of.end(), block));
        };
        return {count(real_block_), count(fake_block_)};
    }

    /// A row a direction, of the samples' products with it.
    std::unique_ptr<double[]> project(const Samples& samples, const Range& which, double* scratch) const {
        const std::size_t n = samples.shape()[0], d = samples.shape()[1];
        auto values = std::make_unique_for_overwrite<double[]>(which.size() * n);
        multiply<double>(false, true, which.size(), n, d, directions_.data() + which.begin * d, d,
                         samples.data(), d, false, values.get(), n, scratch);
        return values;
    }

    const Samples &real_, &fake_, &directions_;
    std::vector<std::uint8_t> real_block_, fake_block_;
    std::map<std::pair<std::size_t, std::size_t>, Coupling> couplings_;
};

void check_directions(const Samples& directions, std::size_t width) {
    if (directions.dimension() != 2 || directions.shape()[1] != width || directions.shape()[0] == 0)
        throw Error(
            fmt::format("directions must be of shape (m, {}), as wide as the samples, m at least 1", width));
    for (std::size_t i = 0; i < directions.shape()[0]; ++i) {
        double square = 0;
        for (std::size_t j = 0; j < width; ++j) square += directions(i, j) * directions(i, j);
        if (!(std::abs(square - 1) <= 2e-6))
            throw Error(fmt::format("direction {} has length {}; expected 1", i, std::sqrt(square)));
    }
}

}  // namespace

Jackknife monge_distance_along(const Samples& real, const Samples& fake, const Samples& directions,
                               std::size_t threads) {
    check_pair(real, fake);
    const std::size_t width = real.shape()[1];
    check_directions(directions, width);
    const std::size_t count = directions.shape()[0];
    const Slices slices(real, fake, directions);
    std::vector<Distances> distances(count);
    const Pieces tiles{count, tile_directions};
    for_each_index(tiles.count(), threads,
                   [&](std::size_t tile) { slices.measure(tiles[tile], distances.data()); });
    Jackknife result;
    result.corrected = true;
    for (std::size_t block = 0; block <= jackknife_blocks; ++block) {
        double sum = 0;
        for (const Distances& each : distances) sum += each[block];
        const double value = 3 * static_cast<double>(width) * (sum / static_cast<double>(count));
        if (!std::isfinite(value)) throw Error("the Monge distance is not finite: the samples are too large");
        (block == jackknife_blocks ? result.value : result.without[block]) = value;
    }
    return result;
}

Jackknife monge_distance(const Samples& real, const Samples& fake, std::uint64_t seed, std::size_t directions,
                         std::size_t threads) {
    check_pair(real, fake);
    return monge_distance_along(real, fake, unit_directions(directions, real.shape()[1], seed), threads);
}

}  // namespace duet::models
