#include <duet/ops/kernels/winograd_plan.hpp>

#include <algorithm>

namespace duet {

namespace {

/// Elements of a block's matrices, which should stay in the second level of cache. Those of a weight gradient
/// are read only, and the more rows they have, the seldomer its sums are loaded and stored.
constexpr std::size_t block_elements = 80 * 1024, weight_block_elements = 160 * 1024;
/// Rows of a point's matrix for whose sake the weight is fetched from the third level of cache, and a large
/// one from beyond it.
constexpr std::size_t worthy_rows = 16, worthy_rows_if_large = 96, large_weight = std::size_t{1} << 20;
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

double winograd_flops(const ConvolutionGeometry& geometry) {
    const WinogradAxes axes = winograd_axes(geometry);
    const std::size_t points = axes[0].all_points() * axes[1].all_points();
    return 2.0 * static_cast<double>(geometry.batch * points) *
           static_cast<double>(geometry.phases() * geometry.image_channels * geometry.feature_channels);
}

bool filters_minimally(const ConvolutionGeometry& geometry) {
    constexpr double worth_it = 1.4;
    constexpr std::size_t most_elements = std::size_t{1} << 22;
    if (geometry.groups > 1 || geometry.image_channels % winograd_channels != 0 ||
        geometry.feature_channels % winograd_channels != 0 || !suits(geometry, 0) || !suits(geometry, 1))
        return false;
    if (std::max(geometry.image_channels * geometry.image_pixels(),
                 geometry.feature_channels * geometry.feature_pixels()) > most_elements)
        return false;
    return geometry.flops() >= worth_it * winograd_flops(geometry);
}

ConvolutionPlan plan_winograd(const ConvolutionGeometry& geometry, ConvolutionPass pass) {
    constexpr double flops_per_part = 1e6;
    const WinogradAxes axes = winograd_axes(geometry);
    const std::size_t phases = geometry.phases(), batch = geometry.batch;
    const std::size_t across = axes[1].tiles, tiles = axes[0].tiles * across;
    ConvolutionPlan plan{};
    plan.method = ConvolutionMethod::winograd;
    plan.sample_parts = plan.slices = 1;
    std::size_t elements = block_elements, rows = worthy_rows,
                width = phases * geometry.image_channels + geometry.feature_channels;
    if (pass == ConvolutionPass::weight) {
        const std::size_t units = std::max<std::size_t>(sliced_channels / phases / winograd_channels, 1);
        plan.channels = std::min(geometry.image_channels, units * winograd_channels);
        plan.features = std::min(geometry.feature_channels, sliced_features);
        plan.slices = ceil_divide(geometry.image_channels, plan.channels) *
                      ceil_divide(geometry.feature_channels, plan.features);
        elements = weight_block_elements;
        width = phases * plan.channels;
    } else {
        const std::size_t weight = axes[0].points() * axes[1].points() * phases * geometry.image_channels *
                                   geometry.feature_channels;
        if (weight > large_weight) rows = worthy_rows_if_large;
        const double wanted = std::min(geometry.flops() / flops_per_part, static_cast<double>(most_parts));
        const std::size_t most = std::max<std::size_t>(static_cast<std::size_t>(wanted), 1);
        plan.sample_parts = std::clamp<std::size_t>(batch / ceil_divide(rows, tiles), 1, most);
    }
    const std::size_t down_points = axes[0].all_points(), row_elements = axes[1].all_points() * width;
    plan.samples = even_piece(ceil_divide(batch, plan.sample_parts),
                              std::max(ceil_divide(rows, tiles), elements / (down_points * row_elements)));
    plan.rows = axes[0].tiles;
    if (plan.samples == 1)
        plan.rows = even_piece(plan.rows, std::max(ceil_divide(rows, across),
                                                   elements * plan.rows / (down_points * row_elements)));
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
