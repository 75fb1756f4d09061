#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include <duet/graph/pieces.hpp>
#include <duet/models/metrics/estimate.hpp>

namespace duet::models {

/// Samples that stay where they are: `count` rows of `width` values, one after the other.
struct Rows {
    const double* values;
    std::size_t count, width;

    const double* operator[](std::size_t row) const { return values + row * width; }
};

Rows rows_of(const Samples& samples);

/// Squared Euclidean distances of some rows of x to some of y: that of rows.begin + i to columns.begin + j is
/// values[i * stride + j].
struct DistanceTile {
    Range rows, columns;
    const double* values;
    std::size_t stride;

    const double* operator[](std::size_t i) const { return values + i * stride; }
};

/// Calls visit(tile) until every pair of a row of x and one of y was in a tile. The tiles that hold a row
/// come one after the other, in the order of their columns, on one thread; other rows may be on another at
/// the same time.
///
/// Distances are |x|^2 + |y|^2 - 2 x.y, by the panel product in float64, at least 0. All three are chains of
/// fused multiply-adds in the same order: so a distance depends on the two rows alone, is the same bits both
/// ways, and is exactly 0 between equal rows. Its error is at most (d + 3) 2^-52 (|x|^2 + |y|^2): rows as
/// near as that may be at distance 0 without being equal.
///
/// Throws Error if widths differ or a squared norm is beyond 1e300.
void for_each_distance_tile(const Rows& x, const Rows& y, std::size_t threads,
                            const std::function<void(const DistanceTile&)>& visit);

/// A row of y, and its squared distance.
struct Nearest {
    std::size_t row;
    double distance;
};

/// The row of y, which has some, that is nearest to each row of x, the first of equally near ones. It is
/// chosen by the distances above, and its own distance taken from the differences: its relative error is at
/// most (d + 3) 2^-52, however near the rows are.
std::vector<Nearest> nearest_rows(const Rows& x, const Rows& y, std::size_t threads);

}  // namespace duet::models
