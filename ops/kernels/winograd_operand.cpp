#include <duet/ops/kernels/winograd_operand.hpp>

#include <algorithm>

#include <duet/ops/kernels/arranged_panels.hpp>
#include <duet/ops/kernels/strided_rows.hpp>
#include <duet/ops/kernels/winograd_tiles.hpp>

namespace duet {

namespace {

/// Channels that are transformed at a time: a piece lies within a panel.
std::size_t piece_of(std::size_t channels) {
    return channels % arranged_width == 0 ? arranged_width : std::min(winograd_channels, arranged_width);
}

std::size_t panels(std::size_t columns) {
    return ceil_divide(columns, arranged_width);
}

std::size_t pixel_channels(const ConvolutionGeometry& geometry) {
    return geometry.phases() * geometry.image_channels;
}

/// Evaluates the taps of a piece of channels, transposed: those of a phase at `to(phase)`, of the next point
/// `matrix` elements behind.
template <class T, class To>
void evaluate_taps(const ConvolutionGeometry& geometry, const WinogradAxes& axes, const T* taps,
                   std::size_t piece, std::size_t matrix, const To& to) {
    const Extents points{axes[0].points(), axes[1].points()}, extents{axes[0].taps, axes[1].taps};
    for_each_phase(geometry, [&](std::size_t phase, std::size_t row_phase, std::size_t column_phase) {
        Rectangle<const T> from;
        Rectangle<T> values;
        for (std::size_t y = 0; y < extents[0]; ++y)
            for (std::size_t x = 0; x < extents[1]; ++x)
                from[y][x] = taps + ((y * geometry.stride[0] + row_phase) * geometry.kernel[1] +
                                     x * geometry.stride[1] + column_phase) *
                                        piece;
        for (std::size_t y = 0; y < points[0]; ++y)
            for (std::size_t x = 0; x < points[1]; ++x)
                values[y][x] = to(phase) + (y * points[1] + x) * matrix;
        evaluate(points, extents, from, values, piece);
    });
}

/// Zeros behind the last of so many columns, in some rows of each of `matrices` matrices of `height` rows.
template <class T>
void fill_last_panel(std::size_t columns, std::size_t height, std::size_t matrices, const Range& rows,
                     T* to) {
    const std::size_t used = columns % arranged_width, panel = height * arranged_width;
    if (used == 0) return;
    for (std::size_t matrix = 0; matrix < matrices; ++matrix) {
        T* const last = to + ((matrix + 1) * panels(columns) - 1) * panel;
        for (std::size_t row = rows.begin; row < rows.end; ++row)
            std::fill_n(last + row * arranged_width + used, arranged_width - used, T(0));
    }
}

/// For features: those rows that belong to some image channels.
template <class T>
void transform_filters(const ConvolutionGeometry& geometry, const T* weight, const Range& channels, T* taps,
                       T* to) {
    const ConvolutionGeometry& g = geometry;
    const WinogradAxes axes = winograd_axes(g);
    const std::size_t panel = pixel_channels(g) * arranged_width, piece = piece_of(g.feature_channels);
    for (std::size_t channel = channels.begin; channel < channels.end; ++channel)
        for (std::size_t feature = 0; feature < g.feature_channels; feature += piece) {
            transpose_rows(weight + feature * g.terms() + channel * g.taps(), g.terms(), piece, g.taps(),
                           taps, piece);
            evaluate_taps(g, axes, taps, piece, panels(g.feature_channels) * panel, [&](std::size_t phase) {
                return to + feature / arranged_width * panel +
                       (phase * g.image_channels + channel) * arranged_width + feature % arranged_width;
            });
        }
    for (std::size_t phase = 0; phase < g.phases(); ++phase) {
        const std::size_t first = phase * g.image_channels;
        fill_last_panel(g.feature_channels, pixel_channels(g), axes[0].points() * axes[1].points(),
                        {first + channels.begin, first + channels.end}, to);
    }
}

/// For an image: the rows of some feature channels.
template <class T>
void transform_transposed_filters(const ConvolutionGeometry& geometry, const T* weight, const Range& features,
                                  T* taps, T* to) {
    const ConvolutionGeometry& g = geometry;
    const WinogradAxes axes = winograd_axes(g);
    const std::size_t panel = g.feature_channels * arranged_width, piece = piece_of(g.image_channels);
    for (std::size_t feature = features.begin; feature < features.end; ++feature)
        for (std::size_t channel = 0; channel < g.image_channels; channel += piece) {
            transpose_rows(weight + (feature * g.image_channels + channel) * g.taps(), g.taps(), piece,
                           g.taps(), taps, piece);
            evaluate_taps(g, axes, taps, piece, panels(pixel_channels(g)) * panel, [&](std::size_t phase) {
                const std::size_t column = phase * g.image_channels + channel;
                return to + column / arranged_width * panel + feature * arranged_width +
                       column % arranged_width;
            });
        }
    fill_last_panel(pixel_channels(g), g.feature_channels, axes[0].points() * axes[1].points(), features, to);
}

/// For a weight: the rows of some samples.
template <class T>
void transform_features(const ConvolutionGeometry& geometry, const T* features, const Range& samples,
                        T* plane, T* to) {
    const ConvolutionGeometry& g = geometry;
    const WinogradAxes axes = winograd_axes(g);
    const Range tile_rows{0, axes[0].tiles};
    const WinogradRows rows(axes, g.batch, tile_rows);
    const std::size_t pixels = g.feature_pixels(), piece = piece_of(g.feature_channels);
    T* const outside = plane + pixels * piece;
    std::fill_n(outside, piece, T(0));
    for (std::size_t sample = samples.begin; sample < samples.end; ++sample)
        for (std::size_t channel = 0; channel < g.feature_channels; channel += piece) {
            T* const column =
                to + channel / arranged_width * rows.total() * arranged_width + channel % arranged_width;
            transpose_rows(features + g.features_at(sample, 0, channel), pixels, piece, pixels, plane, piece);
            for_each_tile(axes, tile_rows, [&](const FeatureTile& tile) {
                Rectangle<const T> from;
                Rectangle<T> values;
                point_at_features(g, axes, tile, plane, piece, outside, from);
                point_at(axes, rows, sample, tile, column, arranged_width, values);
                evaluate(tile.points, tile.outputs, from, values, piece);
            });
        }
    for (std::size_t y = 0; y < axes[0].points(); ++y)
        for (std::size_t x = 0; x < axes[1].points(); ++x)
            fill_last_panel(g.feature_channels, rows.total(), 1,
                            {rows.row(y, x, samples.begin, 0, 0), rows.row(y, x, samples.end, 0, 0)}, to);
}

}  // namespace

Shape winograd_operand(const ConvolutionGeometry& geometry, ConvolutionPass pass) {
    const WinogradAxes axes = winograd_axes(geometry);
    if (pass == ConvolutionPass::weight)
        return {panels(geometry.feature_channels),
                geometry.batch * axes[0].all_points() * axes[1].all_points(), arranged_width};
    const bool features = pass == ConvolutionPass::features;
    const std::size_t pixels = pixel_channels(geometry);
    return {axes[0].points(), axes[1].points(), panels(features ? geometry.feature_channels : pixels),
            features ? pixels : geometry.feature_channels, arranged_width};
}

bool shares_winograd_operand(const ConvolutionGeometry& geometry, const ConvolutionPlan& plan,
                             ConvolutionPass pass) {
    constexpr std::size_t worth_sharing = 4, most_elements = std::size_t{1} << 23;
    return pass != ConvolutionPass::weight ||
           (ceil_divide(geometry.image_channels, plan.channels) >= worth_sharing &&
            winograd_operand(geometry, pass).elements() <= most_elements);
}

std::size_t winograd_operand_scratch(const ConvolutionGeometry& geometry, ConvolutionPass pass) {
    const std::size_t channels =
        pass == ConvolutionPass::image ? geometry.image_channels : geometry.feature_channels;
    return (pass == ConvolutionPass::weight ? geometry.feature_pixels() + 1 : geometry.taps()) *
           piece_of(channels);
}

template <class T>
void transform_operand(const ConvolutionGeometry& geometry, ConvolutionPass pass, const T* operand,
                       std::size_t part, std::size_t parts, T* scratch, T* transformed) {
    switch (pass) {
        case ConvolutionPass::features:
            return transform_filters(geometry, operand, part_of(geometry.image_channels, parts, part),
                                     scratch, transformed);
        case ConvolutionPass::image:
            return transform_transposed_filters(
                geometry, operand, part_of(geometry.feature_channels, parts, part), scratch, transformed);
        case ConvolutionPass::weight:
            break;
    }
    transform_features(geometry, operand, part_of(geometry.batch, parts, part), scratch, transformed);
}

template void transform_operand(const ConvolutionGeometry&, ConvolutionPass, const float*, std::size_t,
                                std::size_t, float*, float*);
template void transform_operand(const ConvolutionGeometry&, ConvolutionPass, const double*, std::size_t,
                                std::size_t, double*, double*);

}  // namespace duet
