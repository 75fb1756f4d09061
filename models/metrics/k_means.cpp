#include <duet/models/metrics/k_means.hpp>

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/ops/kernels/philox.hpp>

namespace duet::models {

namespace {

constexpr std::size_t most_steps = 100;

/// Numbers in [0, 1).
class Draws {
 public:
    explicit Draws(std::uint64_t seed) : key_(philox::make_key(seed, "k-means")) {}
    double next() {
        philox::Words words;
        philox::fill(key_, 0, block_, words);
        block_ += philox::lanes;
        const std::uint64_t bits = std::uint64_t{words[0]} << 32U | words[philox::lanes];
        return static_cast<double>(bits >> 11U) * 0x1p-53;
    }

 private:
    philox::Key key_;
    std::uint64_t block_ = 0;
};

std::vector<double> seeds(const Rows& rows, std::size_t cells, std::uint64_t seed, std::size_t threads) {
    Draws draws(seed);
    std::vector<double> centres, weights(rows.count, std::numeric_limits<double>::infinity());
    auto chosen = static_cast<std::size_t>(draws.next() * static_cast<double>(rows.count));
    for (std::size_t cell = 0; cell < cells; ++cell) {
        centres.insert(centres.end(), rows[chosen], rows[chosen] + rows.width);
        const auto distances = nearest_rows(rows, {rows[chosen], 1, rows.width}, threads);
        double sum = 0;
        for (std::size_t i = 0; i < rows.count; ++i)
            sum += weights[i] = std::min(weights[i], distances[i].distance);
        if (cell + 1 == cells) break;
        if (sum == 0)
            throw Error(
                fmt::format("{} cells of samples of which only {} differ: ask for fewer", cells, cell + 1));
        // The first row at which the running sum exceeds the drawn part of it; one of weight 0 never is.
        const double drawn = draws.next() * sum;
        double reached = 0;
        for (std::size_t i = 0; i < rows.count && reached <= drawn; ++i) {
            reached += weights[i];
            if (weights[i] > 0) chosen = i;
        }
    }
    return centres;
}

}  // namespace

std::vector<double> k_means(const Rows& rows, std::size_t cells, std::uint64_t seed, std::size_t threads) {
    if (cells == 0 || cells > rows.count)
        throw Error(
            fmt::format("{} cells of {} samples: expected 1 to as many as there are", cells, rows.count));
    std::vector<double> centres = seeds(rows, cells, seed, threads);
    std::vector<std::size_t> cell_of(rows.count, cells);
    for (std::size_t step = 0; step < most_steps; ++step) {
        const auto nearest = nearest_rows(rows, {centres.data(), cells, rows.width}, threads);
        bool changed = false;
        std::vector<double> sums(centres.size(), 0.0);
        std::vector<std::size_t> counts(cells, 0);
        for (std::size_t i = 0; i < rows.count; ++i) {
            const std::size_t cell = nearest[i].row;
            changed |= cell_of[i] != cell;
            cell_of[i] = cell;
            ++counts[cell];
            for (std::size_t k = 0; k < rows.width; ++k) sums[cell * rows.width + k] += rows[i][k];
        }
        if (!changed) break;
        // An empty cell keeps its centre.
        for (std::size_t cell = 0; cell < cells; ++cell)
            for (std::size_t k = 0; counts[cell] > 0 && k < rows.width; ++k)
                centres[cell * rows.width + k] =
                    sums[cell * rows.width + k] / static_cast<double>(counts[cell]);
    }
    return centres;
}

}  // namespace duet::models
