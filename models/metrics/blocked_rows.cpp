#include <duet/models/metrics/blocked_rows.hpp>

#include <algorithm>
#include <limits>

namespace duet::models {

namespace {

/// Takes the place of the last of k ascending values.
void insert(double value, double* smallest, std::size_t k) {
    std::size_t place = k - 1;
    for (; place > 0 && smallest[place - 1] > value; --place) smallest[place] = smallest[place - 1];
    smallest[place] = value;
}

}  // namespace

BlockedRows::BlockedRows(const Rows& from)
    : count(from.count), width(from.width), values(count * width), block(count), begin{} {
    const std::vector<std::uint8_t> block_of = jackknife_block_of(from.count);
    std::size_t row = 0;
    for (std::size_t b = 0; b < jackknife_blocks; ++b) {
        begin[b] = row;
        for (std::size_t i = 0; i < from.count; ++i) {
            if (block_of[i] != b) continue;
            std::copy_n(from[i], width, values.data() + row * width);
            block[row++] = static_cast<std::uint8_t>(b);
        }
    }
    begin[jackknife_blocks] = row;
}

std::vector<double> nearest_in_blocks(const Rows& x, const BlockedRows& y, std::size_t k, bool same,
                                      std::size_t threads) {
    std::vector<double> nearest(x.count * jackknife_blocks * k, std::numeric_limits<double>::infinity());
    for_each_distance_tile(x, y.rows(), threads, [&](const DistanceTile& tile) {
        for (std::size_t i = 0; i < tile.rows.size(); ++i) {
            const std::size_t row = tile.rows.begin + i;
            for (std::size_t j = 0; j < tile.columns.size();) {
                const std::size_t b = y.block[tile.columns.begin + j];
                const std::size_t end = std::min(y.begin[b + 1], tile.columns.end) - tile.columns.begin;
                double* const smallest = nearest.data() + (row * jackknife_blocks + b) * k;
                for (; j < end; ++j)
                    if (tile[i][j] < smallest[k - 1] && !(same && row == tile.columns.begin + j))
                        insert(tile[i][j], smallest, k);
            }
        }
    });
    return nearest;
}

}  // namespace duet::models
