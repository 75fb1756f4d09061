#include <duet/models/metrics/kernel_distance.hpp>

#include <array>
#include <cmath>

#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/models/metrics/gram.hpp>
#include <duet/ops/kernels/panel_product.hpp>

namespace duet::models {

namespace {

constexpr std::size_t tile_rows = 128, tile_columns = 128;

/// sums[a][b] is the sum of the kernel over a block a of the one side and a block b of the other.
using BlockSums = std::array<std::array<double, jackknife_blocks>, jackknife_blocks>;

/// Adds up in eight chains, whatever registers there are.
double sum_of_cubes(const double* products, std::size_t count) {
    std::array<double, 8> sums{};
    for (std::size_t i = 0; i < count / 8 * 8; i += 8)
        for (std::size_t lane = 0; lane < 8; ++lane) {
            const double base = products[i + lane] + 1;
            sums[lane] += base * base * base;
        }
    for (std::size_t i = count / 8 * 8; i < count; ++i) {
        const double base = products[i] + 1;
        sums[i % 8] += base * base * base;
    }
    return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

BlockedRows scaled_rows(const Samples& samples) {
    BlockedRows rows(rows_of(samples));
    const double scale = 1 / std::sqrt(static_cast<double>(rows.width));
    for (double& element : rows.values) element *= scale;
    return rows;
}

/// The sum over a block of `a` and one of `b`, without the pairs of a sample with itself.
double sum_of_kernel(const BlockedRows& a, const Range& of_a, const BlockedRows& b, const Range& of_b,
                     double* tile, double* scratch) {
    double sum = 0;
    for_each_piece(of_a, tile_rows, [&](const Range& rows) {
        for_each_piece(of_b, tile_columns, [&](const Range& columns) {
            multiply<double>(false, true, rows.size(), columns.size(), a.width, a.row(rows.begin), a.width,
                             b.row(columns.begin), b.width, false, tile, columns.size(), scratch);
            if (&a == &b && rows.begin == columns.begin)
                for (std::size_t i = 0; i < rows.size(); ++i) tile[i * columns.size() + i] = -1;
            sum += sum_of_cubes(tile, rows.size() * columns.size());
        });
    });
    return sum;
}

/// The mean over pairs of which neither is of the block left out; of two samples of the same side if `same`.
double mean_without(std::size_t left_out, const BlockSums& sums, const BlockedRows& a, const BlockedRows& b,
                    bool same) {
    double sum = 0, n_a = 0, n_b = 0;
    for (std::size_t i = 0; i < jackknife_blocks; ++i) {
        if (i == left_out) continue;
        n_a += static_cast<double>(a.range(i).size());
        n_b += static_cast<double>(b.range(i).size());
        for (std::size_t j = 0; j < jackknife_blocks; ++j)
            if (j != left_out) sum += sums[i][j];
    }
    return sum / (n_a * (same ? n_b - 1 : n_b));
}

}  // namespace

Jackknife kernel_distance(const Samples& real, const Samples& fake, std::size_t threads) {
    check_pair(real, fake);
    const BlockedRows x = scaled_rows(real), y = scaled_rows(fake);
    std::array<BlockSums, 3> sums{};
    for_each_index(3 * jackknife_blocks, threads, [&](std::size_t i) {
        const std::size_t which = i / jackknife_blocks, block = i % jackknife_blocks;
        const BlockedRows &a = which < 2 ? x : y, &b = which == 0 ? x : y;
        const auto tile = std::make_unique_for_overwrite<double[]>(tile_rows * tile_columns);
        const auto scratch = new_product_scratch();
        for (std::size_t other = which == 1 ? 0 : block; other < jackknife_blocks; ++other)
            sums[which][block][other] =
                sum_of_kernel(a, a.range(block), b, b.range(other), tile.get(), scratch.get());
    });
    for (const std::size_t which : {0, 2})
        for (std::size_t a = 0; a < jackknife_blocks; ++a)
            for (std::size_t b = 0; b < a; ++b) sums[which][a][b] = sums[which][b][a];
    Jackknife result;
    for (std::size_t left_out = 0; left_out <= jackknife_blocks; ++left_out) {
        const double value = mean_without(left_out, sums[0], x, x, true) +
                             mean_without(left_out, sums[2], y, y, true) -
                             2 * mean_without(left_out, sums[1], x, y, false);
        if (!std::isfinite(value))
            throw Error("the kernel distance is not finite: the samples are too large");
        (left_out == jackknife_blocks ? result.value : result.without[left_out]) = value;
    }
    return result;
}

}  // namespace duet::models
