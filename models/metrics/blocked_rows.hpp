#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <duet/models/metrics/distances.hpp>

namespace duet::models {

/// Samples copied in the order of their jackknife blocks, so that a block is a range of rows and what it adds
/// to a sum can be taken off again.
struct BlockedRows {
    explicit BlockedRows(const Rows& from);

    Rows rows() const { return {values.data(), count, width}; }
    Range all() const { return {0, count}; }
    Range range(std::size_t b) const { return {begin[b], begin[b + 1]}; }
    double* row(std::size_t i) { return values.data() + i * width; }
    const double* row(std::size_t i) const { return values.data() + i * width; }

    std::size_t count, width;
    std::vector<double> values;
    std::vector<std::uint8_t> block;  ///< of each row, ascending
    std::array<std::size_t, jackknife_blocks + 1> begin;
};

/// For each row of x the `k` smallest squared distances to rows of each block of y, ascending, infinite where
/// a block has fewer: element ((i * jackknife_blocks) + b) * k + j. With `same`, x and y are the same rows,
/// and a row's distance to itself is left out.
std::vector<double> nearest_in_blocks(const Rows& x, const BlockedRows& y, std::size_t k, bool same,
                                      std::size_t threads);

}  // namespace duet::models
