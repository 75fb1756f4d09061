#include <duet/ops/resampling.hpp>

#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/graph/graph.hpp>
#include <duet/ops/matmul.hpp>
#include <duet/ops/pooling.hpp>
#include <duet/ops/shape_ops.hpp>
#include <duet/ops/shape_rules.hpp>

namespace duet {

namespace {

void check(const char* builder, const Tensor& x, std::size_t factor) {
    in_words_of(builder, {&x, 1}, {}, [&] { expect_images(x.shape()); });
    if (factor == 0) reject(builder, "the factor is 0; it must be at least 1", {&x, 1}, {});
}

/// The matrix (extent, factor extent) that interpolates a row of `extent` values.
ArrayOf<double> interpolation(std::size_t extent, std::size_t factor, bool align_corners) {
    const std::size_t target = extent * factor;
    ArrayOf<double> matrix = filled<double>({extent, target}, 0);
    for (std::size_t i = 0; i < target; ++i) {
        const double scale = align_corners ? static_cast<double>(extent - 1) /
                                                 static_cast<double>(std::max<std::size_t>(target - 1, 1))
                                           : 1 / static_cast<double>(factor);
        const double at = align_corners ? static_cast<double>(i) * scale
                                        : std::max((static_cast<double>(i) + 0.5) * scale - 0.5, 0.0);
        const auto left = std::min(static_cast<std::size_t>(at), extent - 1);
        const std::size_t right = std::min(left + 1, extent - 1);
        const double share = at - static_cast<double>(left);
        matrix(left, i) += 1 - share;
        matrix(right, i) += share;
    }
    return matrix;
}

/// The last axis of `x` interpolated.
Tensor interpolate_rows(const Tensor& x, std::size_t factor, bool align_corners) {
    const Shape& shape = x.shape();
    const std::size_t extent = shape[3];
    const Tensor matrix = x.graph().constant(interpolation(extent, factor, align_corners));
    const Tensor rows = matmul(reshape(x, {shape.elements() / extent, extent}), matrix);
    return reshape(rows, {shape[0], shape[1], shape[2], extent * factor});
}

}  // namespace

Tensor upsample_nearest2d(Operand x, std::size_t factor) {
    const Tensor input = x.tensor();
    const WhereScope scope(input.graph(), x.where());
    check("upsample_nearest2d", input, factor);
    const Shape& shape = input.shape();
    return sum_unpool2d(input, {{factor, factor}}, {shape[2] * factor, shape[3] * factor});
}

Tensor upsample_bilinear2d(Operand x, std::size_t factor, bool align_corners) {
    const Tensor input = x.tensor();
    const WhereScope scope(input.graph(), x.where());
    check("upsample_bilinear2d", input, factor);
    const Axes swapped{0, 1, 3, 2};
    const Tensor wide = interpolate_rows(input, factor, align_corners);
    return transpose(interpolate_rows(transpose(wide, swapped), factor, align_corners), swapped);
}

Tensor pixel_shuffle(Operand x, std::size_t factor) {
    const Tensor input = x.tensor();
    const WhereScope scope(input.graph(), x.where());
    check("pixel_shuffle", input, factor);
    const Shape& shape = input.shape();
    const std::size_t batch = shape[0], height = shape[2], width = shape[3];
    if (factor > shape[1] || shape[1] % (factor * factor) != 0)
        reject("pixel_shuffle",
               fmt::format("the {} channels of shape {} are no multiple of {} x {}", shape[1],
                           to_string(shape), factor, factor),
               {&input, 1}, {});
    const std::size_t channels = shape[1] / (factor * factor);
    const Tensor squares =
        transpose(reshape(input, {batch, channels, factor, factor, height, width}), {0, 1, 4, 2, 5, 3});
    return reshape(squares, {batch, channels, height * factor, width * factor});
}

}  // namespace duet
