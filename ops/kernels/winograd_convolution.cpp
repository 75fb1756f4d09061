#include <duet/ops/kernels/winograd_convolution.hpp>

#include <algorithm>

#include <duet/ops/kernels/arranged_panels.hpp>
#include <duet/ops/kernels/panel_product.hpp>
#include <duet/ops/kernels/strided_rows.hpp>
#include <duet/ops/kernels/winograd_operand.hpp>
#include <duet/ops/kernels/winograd_tiles.hpp>

namespace duet {

namespace {

/// Copies a sample's planes so that the channels of a pixel stand one behind another. The planes follow each
/// other, but are read a few pixels of each at a time, too far apart for the processor to foresee.
template <class T>
void transpose_planes(const T* planes, std::size_t channels, std::size_t pixels, T* to) {
    constexpr std::size_t line = 64 / sizeof(T);
    for (std::size_t i = 0; i < channels * pixels; i += line) __builtin_prefetch(planes + i);
    transpose_rows(planes, pixels, channels, pixels, to, channels);
}

/// The elements of the parts of a tile's scratch memory.
struct ScratchParts {
    std::size_t pixel_points, feature_points, sums, image_plane, feature_plane, outside, weight_points;

    ScratchParts(const ConvolutionGeometry& g, const ConvolutionPlan& plan, ConvolutionPass pass,
                 bool transformed) {
        const bool weight = pass == ConvolutionPass::weight;
        const WinogradAxes axes = winograd_axes(g);
        // No block has more points than the first.
        const std::size_t rows = WinogradRows(axes, plan.samples, {0, plan.rows}).total();
        const std::size_t channels = weight ? plan.channels : g.image_channels;
        const std::size_t features = weight ? plan.features : g.feature_channels;
        pixel_points = rows * g.phases() * channels;
        feature_points = weight && transformed ? 0 : rows * features;
        sums = weight ? axes[0].points() * axes[1].points() * g.phases() * channels * features : 0;
        image_plane = g.image_pixels() * channels;
        feature_plane = std::max(g.feature_pixels(), weight ? g.taps() : 0) * features;
        outside = std::max(channels, features);
        weight_points = weight || transformed
                            ? 0
                            : winograd_operand(g, pass).elements() + winograd_operand_scratch(g, pass);
    }
    std::size_t total() const {
        return product_scratch + pixel_points + feature_points + sums + image_plane + feature_plane +
               2 * outside + weight_points;
    }
};

}  // namespace

std::size_t winograd_scratch(const ConvolutionGeometry& geometry, const ConvolutionPlan& plan,
                             ConvolutionPass pass, bool transformed) {
    return ScratchParts(geometry, plan, pass, transformed).total();
}

template <class T>
WinogradTile<T>::WinogradTile(const ConvolutionGeometry& geometry, const ConvolutionPlan& plan,
                              ConvolutionPass pass, std::size_t tile, T* scratch, bool transformed)
    : geometry_(geometry), plan_(plan), transformed_(transformed), axes_(winograd_axes(geometry)) {
    const ScratchParts parts(geometry, plan, pass, transformed);
    const auto take = [&](std::size_t elements) {
        scratch += elements;
        return scratch - elements;
    };
    product_ = take(product_scratch);
    pixel_points_ = take(parts.pixel_points);
    feature_points_ = take(parts.feature_points);
    sums_ = take(parts.sums);
    image_plane_ = take(parts.image_plane);
    feature_plane_ = take(parts.feature_plane);
    zeros_ = take(parts.outside);
    discarded_ = take(parts.outside);
    weight_points_ = take(parts.weight_points);
    std::fill_n(zeros_, parts.outside, T(0));
    std::fill_n(discarded_, parts.outside, T(0));
    if (pass == ConvolutionPass::weight) {
        const auto piece = [](std::size_t extent, std::size_t size, std::size_t i) {
            return Range{i * size, std::min(extent, (i + 1) * size)};
        };
        const std::size_t across = ceil_divide(geometry.feature_channels, plan.features);
        samples_ = {0, geometry.batch};
        channels_ = piece(geometry.image_channels, plan.channels, tile / across);
        features_ = piece(geometry.feature_channels, plan.features, tile % across);
    } else {
        samples_ = part_of(geometry.batch, plan.sample_parts, tile);
        channels_ = {0, geometry.image_channels};
        features_ = {0, geometry.feature_channels};
    }
}

/// The weight at points, made here if it was not given.
template <class T>
const T* WinogradTile<T>::transformed(ConvolutionPass pass, const T* weight) {
    if (transformed_) return weight;
    T* const scratch = weight_points_ + winograd_operand(geometry_, pass).elements();
    transform_operand(geometry_, pass, weight, 0, 1, scratch, weight_points_);
    return weight_points_;
}

template <class T>
template <class Visit>
void WinogradTile<T>::for_each_block(const Visit& visit) const {
    for_each_piece(samples_, plan_.samples, [&](const Range& samples) {
        for_each_piece({0, axes_[0].tiles}, plan_.rows, [&](const Range& rows) {
            visit(Block{samples, rows, rows.begin == 0, rows.end == axes_[0].tiles,
                        WinogradRows(axes_, samples.size(), rows)});
        });
    });
}

/// From the image to values at points.
template <class T>
void WinogradTile<T>::spread_pixels(const Block& block, const T* image) {
    const ConvolutionGeometry& g = geometry_;
    const std::size_t channels = channels_.size();
    for (std::size_t i = 0; i < block.samples.size(); ++i) {
        if (block.first)
            transpose_planes(image + g.image_at(block.samples.begin + i, 0, channels_.begin), channels,
                             g.image_pixels(), image_plane_);
        for_each_tile(axes_, block.tile_rows, [&](const FeatureTile& tile) {
            Rectangle<T> values;
            point_at(axes_, block.rows, i, tile, pixel_points_, g.phases() * channels, values);
            for_each_phase(g, [&](std::size_t, std::size_t row_phase, std::size_t column_phase) {
                Rectangle<const T> from;
                point_at_pixels(g, axes_, tile, {row_phase, column_phase}, image_plane_, channels, zeros_,
                                from);
                spread(tile.points, from, values, channels);
                for (std::size_t y = 0; y < tile.points[0]; ++y)
                    for (std::size_t x = 0; x < tile.points[1]; ++x) values[y][x] += channels;
            });
        });
    }
}

/// From values at points to the image.
template <class T>
void WinogradTile<T>::join_pixels(const Block& block, T* image) {
    const ConvolutionGeometry& g = geometry_;
    const std::size_t channels = channels_.size(), pixels = g.image_pixels();
    for (std::size_t i = 0; i < block.samples.size(); ++i) {
        if (block.first) std::fill_n(image_plane_, pixels * channels, T(0));
        for_each_tile(axes_, block.tile_rows, [&](const FeatureTile& tile) {
            Rectangle<const T> from;
            point_at(axes_, block.rows, i, tile, pixel_points_, g.phases() * channels, from);
            for_each_phase(g, [&](std::size_t, std::size_t row_phase, std::size_t column_phase) {
                Rectangle<T> to;
                point_at_pixels(g, axes_, tile, {row_phase, column_phase}, image_plane_, channels, discarded_,
                                to);
                join(tile.points, from, to, channels);
                for (std::size_t y = 0; y < tile.points[0]; ++y)
                    for (std::size_t x = 0; x < tile.points[1]; ++x) from[y][x] += channels;
            });
        });
        if (block.last)
            transpose_rows(image_plane_, channels, pixels, channels,
                           image + g.image_at(block.samples.begin + i, 0, channels_.begin), pixels);
    }
}

/// From the features to values at points.
template <class T>
void WinogradTile<T>::evaluate_features(const Block& block, const T* features) {
    const ConvolutionGeometry& g = geometry_;
    const std::size_t channels = features_.size();
    for (std::size_t i = 0; i < block.samples.size(); ++i) {
        if (block.first)
            transpose_planes(features + g.features_at(block.samples.begin + i, 0, features_.begin), channels,
                             g.feature_pixels(), feature_plane_);
        for_each_tile(axes_, block.tile_rows, [&](const FeatureTile& tile) {
            Rectangle<const T> from;
            Rectangle<T> values;
            point_at_features(g, axes_, tile, feature_plane_, channels, zeros_, from);
            point_at(axes_, block.rows, i, tile, feature_points_, channels, values);
            evaluate(tile.points, tile.outputs, from, values, channels);
        });
    }
}

/// From values at points to the features.
template <class T>
void WinogradTile<T>::collect_features(const Block& block, T* features) {
    const ConvolutionGeometry& g = geometry_;
    const std::size_t channels = features_.size(), pixels = g.feature_pixels();
    for (std::size_t i = 0; i < block.samples.size(); ++i) {
        for_each_tile(axes_, block.tile_rows, [&](const FeatureTile& tile) {
            Rectangle<const T> from;
            Rectangle<T> to;
            point_at(axes_, block.rows, i, tile, feature_points_, channels, from);
            point_at_features(g, axes_, tile, feature_plane_, channels, discarded_, to);
            collect(tile.points, tile.outputs, from, to, channels);
        });
        if (block.last)
            transpose_rows(feature_plane_, channels, pixels, channels,
                           features + g.features_at(block.samples.begin + i, 0, features_.begin), pixels);
    }
}

/// The product of each point's matrix in a block with that of the weight.
template <class T>
void WinogradTile<T>::multiply_points(const WinogradRows& rows, const T* left, std::size_t terms,
                                      const T* weight, std::size_t width, T* result) {
    const std::size_t matrix = ceil_divide(width, arranged_width) * terms * arranged_width;
    for (std::size_t point = 0; point < rows.points(); ++point)
        multiply_packed(false, rows.count(point), width, terms, left + rows.first(point) * terms, terms,
                        weight + point * matrix, arranged_width, false, result + rows.first(point) * width,
                        width, product_);
}

template <class T>
void WinogradTile<T>::features(const T* image, const T* weight, T* features) {
    const T* const at_points = transformed(ConvolutionPass::features, weight);
    for_each_block([&](const Block& block) {
        spread_pixels(block, image);
        multiply_points(block.rows, pixel_points_, geometry_.phases() * channels_.size(), at_points,
                        features_.size(), feature_points_);
        collect_features(block, features);
    });
}

template <class T>
void WinogradTile<T>::image(const T* features, const T* weight, T* image) {
    const T* const at_points = transformed(ConvolutionPass::image, weight);
    for_each_block([&](const Block& block) {
        evaluate_features(block, features);
        multiply_points(block.rows, feature_points_, features_.size(), at_points,
                        geometry_.phases() * channels_.size(), pixel_points_);
        join_pixels(block, image);
    });
}

template <class T>
void WinogradTile<T>::weight(const T* image, const T* features, T*, T* weight) {
    const ConvolutionGeometry& g = geometry_;
    const std::size_t height = g.phases() * channels_.size(), width = features_.size();
    const WinogradRows all(axes_, g.batch, {0, axes_[0].tiles});
    for_each_block([&](const Block& block) {
        const bool accumulate = block.samples.begin > 0 || !block.first;
        spread_pixels(block, image);
        if (!transformed_) evaluate_features(block, features);
        for (std::size_t point = 0; point < block.rows.points(); ++point) {
            const std::size_t first = block.rows.first(point), terms = block.rows.count(point);
            if (terms == 0) continue;
            const T* const left = pixel_points_ + first * height;
            T* const sums = sums_ + point * height * width;
            if (!transformed_) {
                multiply(true, false, height, width, terms, left, height, feature_points_ + first * width,
                         width, accumulate, sums, width, product_);
                continue;
            }
            const std::size_t row = all.row(point / axes_[1].points(), point % axes_[1].points(),
                                            block.samples.begin, block.tile_rows.begin, 0);
            for_each_piece({0, width}, arranged_width, [&](const Range& columns) {
                const std::size_t panel = (features_.begin + columns.begin) / arranged_width;
                multiply_packed(true, height, columns.size(), terms, left, height,
                                features + (panel * all.total() + row) * arranged_width, arranged_width,
                                accumulate, sums + columns.begin, width, product_);
            });
        }
    });
    collect_taps(weight);
}

template <class T>
void WinogradTile<T>::collect_taps(T* weight) {
    const ConvolutionGeometry& g = geometry_;
    const Extents points{axes_[0].points(), axes_[1].points()}, extents{axes_[0].taps, axes_[1].taps};
    const std::size_t height = g.phases() * channels_.size(), width = features_.size();
    for (std::size_t channel = 0; channel < channels_.size(); ++channel) {
        for_each_phase(g, [&](std::size_t phase, std::size_t row_phase, std::size_t column_phase) {
            Rectangle<const T> from;
            Rectangle<T> to;
            for (std::size_t y = 0; y < points[0]; ++y)
                for (std::size_t x = 0; x < points[1]; ++x)
                    from[y][x] =
                        sums_ + ((y * points[1] + x) * height + phase * channels_.size() + channel) * width;
            for (std::size_t y = 0; y < extents[0]; ++y)
                for (std::size_t x = 0; x < extents[1]; ++x)
                    to[y][x] = feature_plane_ + ((y * g.stride[0] + row_phase) * g.kernel[1] +
                                                 x * g.stride[1] + column_phase) *
                                                    width;
            collect(points, extents, from, to, width);
        });
        transpose_rows(feature_plane_, width, g.taps(), width,
                       weight + features_.begin * g.terms() + (channels_.begin + channel) * g.taps(),
                       g.terms());
    }
}

template class WinogradTile<float>;
template class WinogradTile<double>;

}  // namespace duet
