#pragma once

#include <duet/ops/kernels/winograd_plan.hpp>
#include <duet/ops/kernels/winograd_transforms.hpp>

namespace duet {

/// A tile of the features.
struct FeatureTile {
    std::size_t row, column;
    Extents points, outputs;
};

/// Visits all tiles in some rows of them.
template <class Visit>
void for_each_tile(const WinogradAxes& axes, const Range& tile_rows, const Visit& visit) {
    for (std::size_t y = tile_rows.begin; y < tile_rows.end; ++y)
        for (std::size_t x = 0; x < axes[1].tiles; ++x)
            visit(FeatureTile{y,
                              x,
                              {axes[0].points_of(y), axes[1].points_of(x)},
                              {axes[0].outputs_of(y), axes[1].outputs_of(x)}});
}

/// Visits the phases of the strides: their number, that of rows, and that of columns.
template <class Visit>
void for_each_phase(const ConvolutionGeometry& geometry, const Visit& visit) {
    for (std::size_t y = 0, phase = 0; y < geometry.stride[0]; ++y)
        for (std::size_t x = 0; x < geometry.stride[1]; ++x, ++phase) visit(phase, y, x);
}

/// Fills `to` with where the values at a tile's points stand among rows of `stride` values.
template <class T, class Values>
void point_at(const WinogradAxes& axes, const WinogradRows& rows, std::size_t sample, const FeatureTile& tile,
              T* values, std::size_t stride, Rectangle<Values>& to) {
    for (std::size_t y = 0; y < tile.points[0]; ++y)
        for (std::size_t x = 0; x < tile.points[1]; ++x)
            to[y][x] =
                values + stride * rows.row(axes[0].place(y, tile.points[0]), axes[1].place(x, tile.points[1]),
                                           sample, tile.row, tile.column);
}

/// Fills `to` with where a tile's features stand in a plane of pixels of `channels` channels; `outside`
/// stands for those that it does not have.
template <class T, class Values>
void point_at_features(const ConvolutionGeometry& geometry, const WinogradAxes& axes, const FeatureTile& tile,
                       T* plane, std::size_t channels, T* outside, Rectangle<Values>& to) {
    const std::size_t top = axes[0].begin(tile.row), left = axes[1].begin(tile.column);
    for (std::size_t y = 0; y < tile.outputs[0]; ++y)
        for (std::size_t x = 0; x < tile.outputs[1]; ++x) {
            const bool inside = top + y < geometry.features[0] && left + x < geometry.features[1];
            to[y][x] = inside ? plane + ((top + y) * geometry.features[1] + left + x) * channels : outside;
        }
}

/// The same for the pixels of one phase of the image that a tile's features meet.
template <class T, class Values>
void point_at_pixels(const ConvolutionGeometry& geometry, const WinogradAxes& axes, const FeatureTile& tile,
                     const Extents& phase, T* plane, std::size_t channels, T* outside,
                     Rectangle<Values>& to) {
    // A pixel before the first one has a number far behind the last.
    const auto pixel = [&](std::size_t axis, std::size_t place, std::size_t i) {
        return (axes[axis].begin(place) + i) * geometry.stride[axis] + phase[axis] - geometry.padding[axis];
    };
    std::size_t columns[4];
    for (std::size_t x = 0; x < tile.points[1]; ++x) columns[x] = pixel(1, tile.column, x);
    for (std::size_t y = 0; y < tile.points[0]; ++y) {
        const std::size_t row = pixel(0, tile.row, y);
        for (std::size_t x = 0; x < tile.points[1]; ++x)
            to[y][x] = row < geometry.image[0] && columns[x] < geometry.image[1]
                           ? plane + (row * geometry.image[1] + columns[x]) * channels
                           : outside;
    }
}

}  // namespace duet
