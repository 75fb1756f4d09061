#include <duet/ops/winograd_plan.hpp>

#include <algorithm>

namespace duet {

namespace {

/// Elements of a block's matrices, which should stay in the second level of cache. Those of a weight gradient
/// are read only, and the more rows they have, the seldomer its sums are loaded and stored.
constexpr std::size_t block_elements = 80 * 1024, weight_block_elements = 160 * 1024;
constexpr std::size_t most_parts = 8;
/// What a tile of a weight gradient takes of the phases' channels and of the features': its sums should stay
/// in the second level of cache.
constexpr std::size_t sliced_channels = 64, sliced_features = 128;

WinogradAxis axis_of(std::size_t features, std::size_t taps) {
    if (taps == 3) return {taps, (features + 1) / 2, (features + 1) / 2};
    // Threes, and twos for what they leave.
    const std::size_t twos = features % 3 == 1 ? 2 : features % 3 / 2;
    const std::size_t threes = (features - 2 * twos) / 3;
    return {taps, threes + twos, threes};
}

bool suits(const ConvolutionGeometry& geometry, std::size_t axis) {
    if (geometry.dilation[axis] != 1 || geometry.kernel[axis] % geometry.stride[axis] != 0) return false;
    const std::size_t taps = geometry.kernel[axis] / geometry.stride[axis];
    return (taps == 2 || taps == 3) && geometry.features[axis] > 1;
}

}  // namespace

WinogradAxes winograd_axes(const ConvolutionGeometry& geometry) {
    WinogradAxes axes;
    for (std::size_t axis = 0; axis < 2; ++axis)
        axes[axis] = axis_of(geometry.features[axis], geometry.kernel[axis] / geometry.stride[axis]);
    return axes;
}

bool filters_minimally(const ConvolutionGeometry& geometry) {
    constexpr double worth_it = 1.4;
    if (geometry.groups > 1 || geometry.image_channels % winograd_channels != 0 ||
        geometry.feature_channels % winograd_channels != 0 || !suits(geometry, 0) || !suits(geometry, 1))
        return false;
    const WinogradAxes axes = winograd_axes(geometry);
    const std::size_t points = axes[0].all_points() * axes[1].all_points() * geometry.phases();
    return static_cast<double>(geometry.feature_pixels() * geometry.taps()) >=
           worth_it * static_cast<double>(points);
}

ConvolutionPlan plan_winograd(const ConvolutionGeometry& geometry, ConvolutionPass pass) {
    constexpr double flops_per_part = 1e6;
    const WinogradAxes axes = winograd_axes(geometry);
    ConvolutionPlan plan{};
    plan.method = ConvolutionMethod::winograd;
    plan.sample_parts = plan.slices = 1;
    const std::size_t phases = geometry.phases(), points = axes[0].all_points() * axes[1].all_points();
    std::size_t elements = block_elements, samples = geometry.batch, channels = geometry.image_channels,
                row_elements = phases * channels + geometry.feature_channels;
    if (pass == ConvolutionPass::weight) {
        plan.channels =
            std::min(channels, std::max<std::size_t>(sliced_channels / phases / winograd_channels, 1) *
                                   winograd_channels);
        plan.features = std::min(geometry.feature_channels, sliced_features);
        plan.slices =
            ceil_divide(channels, plan.channels) * ceil_divide(geometry.feature_channels, plan.features);
        row_elements = phases * plan.channels;
        elements = weight_block_elements;
    } else {
        const double wanted = std::min(geometry.flops() / flops_per_part, static_cast<double>(most_parts));
        plan.sample_parts = std::clamp<std::size_t>(static_cast<std::size_t>(wanted), 1, geometry.batch);
        samples = ceil_divide(samples, plan.sample_parts);
    }
    plan.samples = even_piece(samples, elements / (points * row_elements));
    plan.rows = plan.samples > 1
                    ? axes[0].tiles
                    : even_piece(axes[0].tiles, elements / (points / axes[0].tiles * row_elements));
    return plan;
}

WinogradRows::WinogradRows(const WinogradAxes& axes, std::size_t samples, const Range& tile_rows)
    : points_(axes[0].points() * axes[1].points()),
      points_across_(axes[1].points()),
      first_tile_row_(tile_rows.begin),
      heights_{},
      widths_{},
      first_{} {
    for (std::size_t y = 0; y < axes[0].points(); ++y) heights_[y] = axes[0].tiles_with(y, tile_rows);
    for (std::size_t x = 0; x < axes[1].points(); ++x) widths_[x] = axes[1].tiles_with(x, {0, axes[1].tiles});
    for (std::size_t point = 0; point < points_; ++point)
        first_[point + 1] =
            first_[point] + samples * heights_[point / points_across_] * widths_[point % points_across_];
}

}  // namespace duet
