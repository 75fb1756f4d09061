#include <duet/models/metrics/copying_score.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/models/metrics/k_means.hpp>

namespace duet::models {

namespace {

/// Twice the pairs (x, y) with x > y, those with x = y counting half; both ascending.
std::size_t twice_u(const std::vector<double>& x, const std::vector<double>& y) {
    std::size_t below = 0, not_above = 0, sum = 0;
    for (const double value : x) {
        while (below < y.size() && y[below] < value) ++below;
        while (not_above < y.size() && y[not_above] <= value) ++not_above;
        sum += below + not_above;
    }
    return sum;
}

double mann_whitney_z(const std::vector<double>& fake, const std::vector<double>& held_out) {
    const auto m = static_cast<double>(fake.size()), n = static_cast<double>(held_out.size());
    const double u = static_cast<double>(twice_u(fake, held_out)) / 2;
    return (u - n * m / 2) / std::sqrt(n * m * (n + m + 1) / 12);
}

/// A sample and its block; all are sorted by distance.
struct Ranked {
    CellDistances::Sample sample;
    std::size_t block;
};

std::vector<Ranked> ranked(const std::vector<CellDistances::Sample>& samples) {
    const std::vector<std::uint8_t> block = jackknife_block_of(samples.size());
    std::vector<Ranked> all(samples.size());
    for (std::size_t i = 0; i < samples.size(); ++i) all[i] = {samples[i], block[i]};
    std::stable_sort(all.begin(), all.end(),
                     [](const Ranked& a, const Ranked& b) { return a.sample.distance < b.sample.distance; });
    return all;
}

std::vector<std::vector<double>> by_cell(const std::vector<Ranked>& samples, std::size_t cells,
                                         std::size_t without) {
    std::vector<std::vector<double>> distances(cells);
    for (const Ranked& each : samples)
        if (each.block != without) distances[each.sample.cell].push_back(each.sample.distance);
    return distances;
}

std::vector<CopyingCell> cells_without(const std::vector<std::size_t>& train,
                                       const std::vector<Ranked>& held_out, const std::vector<Ranked>& fake,
                                       std::size_t b) {
    const auto held = by_cell(held_out, train.size(), b), faked = by_cell(fake, train.size(), b);
    std::vector<CopyingCell> cells;
    for (std::size_t cell = 0; cell < train.size(); ++cell) {
        const std::size_t n = held[cell].size(), m = faked[cell].size();
        const bool counts = m > copying_cell_fakes && n > 0 && train[cell] > 0;
        cells.push_back({train[cell], n, m, counts ? mann_whitney_z(faked[cell], held[cell]) : 0, counts});
    }
    return cells;
}

double weighted_mean(const std::vector<CopyingCell>& cells) {
    double sum = 0, weights = 0;
    for (const CopyingCell& cell : cells) {
        if (!cell.counts) continue;
        const auto weight = static_cast<double>(cell.held_out);
        sum += weight * cell.z;
        weights += weight;
    }
    if (weights == 0)
        throw Error(
            fmt::format("none of {} cells has more than {} fakes, a held-out and a training sample: "
                        "ask for fewer cells",
                        cells.size(), copying_cell_fakes));
    return sum / weights;
}

/// The rows whose cell is that one.
std::vector<std::size_t> members(const std::vector<Nearest>& cell_of, std::size_t cell) {
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < cell_of.size(); ++i)
        if (cell_of[i].row == cell) rows.push_back(i);
    return rows;
}

std::vector<double> gather(const Rows& from, const std::vector<std::size_t>& rows) {
    std::vector<double> values;
    values.reserve(rows.size() * from.width);
    for (const std::size_t row : rows) values.insert(values.end(), from[row], from[row] + from.width);
    return values;
}

}  // namespace

CellDistances in_cells(const Rows& train, const Rows& held_out, const Rows& fake, std::size_t cells,
                       std::uint64_t seed, std::size_t threads) {
    const std::vector<double> centre_values = k_means(train, cells, seed, threads);
    const Rows centres{centre_values.data(), cells, train.width};
    const auto train_cells = nearest_rows(train, centres, threads);
    CellDistances result;
    std::vector<std::vector<double>> train_of;
    for (std::size_t cell = 0; cell < cells; ++cell) {
        const auto rows = members(train_cells, cell);
        result.train.push_back(rows.size());
        train_of.push_back(gather(train, rows));
    }
    const auto distances = [&](const Rows& side) {
        const auto cell_of = nearest_rows(side, centres, threads);
        std::vector<CellDistances::Sample> samples(side.count);
        for (std::size_t cell = 0; cell < cells; ++cell) {
            const auto rows = members(cell_of, cell);
            for (const std::size_t row : rows) samples[row] = {cell, 0};
            if (rows.empty() || result.train[cell] == 0) continue;
            const auto values = gather(side, rows);
            const auto nearest =
                nearest_rows({values.data(), rows.size(), side.width},
                             {train_of[cell].data(), result.train[cell], side.width}, threads);
            for (std::size_t i = 0; i < rows.size(); ++i) samples[rows[i]].distance = nearest[i].distance;
        }
        return samples;
    };
    result.held_out = distances(held_out);
    result.fake = distances(fake);
    return result;
}

CellDistances in_one_cell(std::size_t train, const std::vector<Nearest>& held_out,
                          const std::vector<Nearest>& fake) {
    CellDistances result{{train}, {}, {}};
    for (const Nearest& nearest : held_out) result.held_out.push_back({0, nearest.distance});
    for (const Nearest& nearest : fake) result.fake.push_back({0, nearest.distance});
    return result;
}

Jackknife copying_score(const CellDistances& distances, std::vector<CopyingCell>& cells) {
    const std::vector<Ranked> held_out = ranked(distances.held_out), fake = ranked(distances.fake);
    cells = cells_without(distances.train, held_out, fake, jackknife_blocks);
    Jackknife score{weighted_mean(cells), {}, false};
    for (std::size_t b = 0; b < jackknife_blocks; ++b)
        score.without[b] = weighted_mean(cells_without(distances.train, held_out, fake, b));
    return score;
}

}  // namespace duet::models
