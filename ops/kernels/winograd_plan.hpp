#pragma once

#include <array>
#include <cstddef>

#include <duet/ops/kernels/convolution_geometry.hpp>

namespace duet {

/// Channels are handled so many at a time, whole vector registers of any processor.
constexpr std::size_t winograd_channels = 16;

/// One axis of a convolution computed by minimal filtering (Winograd 1980; Lavin and Gray 2016,
/// arXiv:1509.09308).
///
/// The image pixels that lie a stride apart are a phase. In each phase the features are an ordinary
/// correlation with `taps` = kernel / stride taps, the sum of which over all phases is the result. It is
/// taken in tiles of two or three neighbouring features: values of polynomials at `points` points (0, 1, -1
/// and infinity; short tiles have no -1), which need one multiplication each, where a tile's features times
/// taps would be needed otherwise.
struct WinogradAxis {
    std::size_t taps;
    /// Tiles, the first `long_tiles` of four points, the others of three.
    std::size_t tiles, long_tiles;

    /// How many points a tile has.
    std::size_t points_of(std::size_t tile) const { return tile < long_tiles ? 4 : 3; }
    std::size_t outputs_of(std::size_t tile) const { return points_of(tile) + 1 - taps; }
    /// The first feature of a tile. The last tile may reach beyond the features.
    std::size_t begin(std::size_t tile) const {
        const std::size_t longer = tile < long_tiles ? tile : long_tiles;
        return longer * (5 - taps) + (tile - longer) * (4 - taps);
    }
    /// How many points the tile with most has.
    std::size_t points() const { return long_tiles > 0 ? 4 : 3; }
    /// Which of those the i-th of a tile with `count` points is.
    std::size_t place(std::size_t i, std::size_t count) const { return i + 1 == count ? points() - 1 : i; }
    /// How many of the tiles from `range` have a point.
    std::size_t tiles_with(std::size_t point, const Range& range) const {
        if (points() == 3 || point != 2) return range.size();
        return range.begin < long_tiles ? (range.end < long_tiles ? range.end : long_tiles) - range.begin : 0;
    }
    /// The points of all tiles together.
    std::size_t all_points() const { return 3 * tiles + long_tiles; }
};

/// Both axes.
using WinogradAxes = std::array<WinogradAxis, 2>;

WinogradAxes winograd_axes(const ConvolutionGeometry& geometry);

/// True if that takes so many fewer multiplications that it is worth it: whole vectors of channels,
/// a kernel of two or three strides, features enough for the tiles, a sample that scratch memory can hold. It
/// does not depend on the batch.
bool filters_minimally(const ConvolutionGeometry& geometry);

/// What the products of a pass take; the transforms beside them take a few percent of it.
double winograd_flops(const ConvolutionGeometry& geometry);

ConvolutionPlan plan_winograd(const ConvolutionGeometry& geometry, ConvolutionPass pass);

/// Where some tiles' values lie: for each point a matrix with a row for each tile that has it, by sample, row
/// and column of tiles.
class WinogradRows {
 public:
    /// Of `samples` samples, those rows of tiles.
    WinogradRows(const WinogradAxes& axes, std::size_t samples, const Range& tile_rows);

    std::size_t points() const { return points_; }
    /// The rows of a point's matrix, and those of the points before it.
    std::size_t count(std::size_t point) const { return first_[point + 1] - first_[point]; }
    std::size_t first(std::size_t point) const { return first_[point]; }
    /// The row of a tile in the matrix of a point (y, x), counted from the first of point (0, 0).
    std::size_t row(std::size_t y, std::size_t x, std::size_t sample, std::size_t tile_row,
                    std::size_t tile_column) const {
        return first_[y * points_across_ + x] +
               (sample * heights_[y] + tile_row - first_tile_row_) * widths_[x] + tile_column;
    }
    std::size_t total() const { return first_[points()]; }

 private:
    std::size_t points_, points_across_, first_tile_row_;
    /// Of each sample's tiles, how many rows have a point y, and how many of a row have a point x.
    std::array<std::size_t, 4> heights_, widths_;
    std::array<std::size_t, 17> first_;
};

}  // namespace duet
