#include <duet/ops/convolution_plan.hpp>

#include <algorithm>

#include <duet/ops/blas.hpp>
#include <duet/ops/convolution_kernel.hpp>
#include <duet/ops/convolution_table.hpp>

namespace duet {

namespace {

constexpr std::size_t most_tiles = 16;
/// Less work than this is not worth a tile.
constexpr double flops_per_tile = 1e6;
/// A sample of at least as many pixels is a block of its own: its features need no rearrangement.
constexpr std::size_t wide = 128;
constexpr std::size_t most_columns = 1024;
/// Narrower slices of channels make poor matrix products.
constexpr std::size_t fewest_channels = 16;
/// Partial sums of weight gradients, in elements, all together.
constexpr std::size_t most_partials = std::size_t{1} << 21;

std::size_t ceil_divide(std::size_t a, std::size_t b) {
    return (a + b - 1) / b;
}

/// `extent` cut into pieces of at most `most` and of almost equal size: that size.
std::size_t even_piece(std::size_t extent, std::size_t most) {
    const std::size_t pieces = ceil_divide(extent, std::clamp<std::size_t>(most, 1, extent));
    return ceil_divide(extent, pieces);
}

std::size_t sliceable(const ConvolutionGeometry& geometry, ConvolutionPass pass) {
    if (geometry.groups > 1) return geometry.groups;
    const bool features = pass == ConvolutionPass::features;
    const std::size_t channels = features ? geometry.feature_channels : geometry.image_channels;
    return ceil_divide(channels, fewest_channels);
}

void cut_tiles(const ConvolutionGeometry& geometry, ConvolutionPass pass, ConvolutionPlan& plan) {
    const double wanted = geometry.flops() / flops_per_tile;
    const std::size_t tiles = wanted < 1            ? 1
                              : wanted < most_tiles ? static_cast<std::size_t>(wanted)
                                                    : most_tiles;
    std::size_t parts = std::min(geometry.batch, tiles);
    if (pass == ConvolutionPass::weight)
        parts = std::clamp<std::size_t>(most_partials / geometry.weight_elements(), 1, parts);
    plan.sample_parts = parts;
    plan.slices = std::min(std::max<std::size_t>(tiles / parts, 1), sliceable(geometry, pass));
}

void cut_blocks(const ConvolutionGeometry& geometry, ConvolutionPass pass, ConvolutionPlan& plan) {
    const ConvolutionTargets targets = convolution_targets(blas_kernel(), pass);
    const std::size_t pixels = geometry.feature_pixels(), width = geometry.features[1];
    plan.samples = 1;
    plan.rows = geometry.features[0];
    if (pixels < wide) {
        plan.samples =
            even_piece(ceil_divide(geometry.batch, plan.sample_parts), ceil_divide(targets.columns, pixels));
    } else if (pass != ConvolutionPass::image) {
        plan.rows = even_piece(plan.rows, most_columns / width);
    }
    const std::size_t columns = plan.samples * plan.rows * width;
    plan.channels = even_piece(geometry.image_channels, targets.lowered / (columns * geometry.taps()));
}

}  // namespace

double ConvolutionGeometry::flops() const {
    return 2.0 * static_cast<double>(batch) * static_cast<double>(feature_pixels()) *
           static_cast<double>(weight_elements());
}

bool ConvolutionGeometry::pointwise() const {
    constexpr std::array<std::size_t, 2> ones{1, 1}, none{0, 0};
    return taps() == 1 && stride == ones && padding == none;
}

Range part_of(std::size_t extent, std::size_t parts, std::size_t part) {
    const std::size_t each = extent / parts, more = extent % parts;
    const std::size_t begin = part * each + std::min(part, more);
    return {begin, begin + each + (part < more ? 1 : 0)};
}

bool ConvolutionPlan::sums_parts(ConvolutionPass pass) const {
    return pass == ConvolutionPass::weight && sample_parts > 1;
}

std::size_t ConvolutionPlan::workspace(const ConvolutionGeometry& geometry, ConvolutionPass pass) const {
    return tiles() * tile_elements() + (sums_parts(pass) ? sample_parts * geometry.weight_elements() : 0);
}

ConvolutionPlan plan_convolution(const ConvolutionGeometry& geometry, ConvolutionPass pass) {
    ConvolutionPlan plan{};
    cut_tiles(geometry, pass, plan);
    cut_blocks(geometry, pass, plan);
    const std::size_t columns = plan.samples * plan.rows * geometry.features[1];
    plan.columns_stride = columns + lowering_overrun;
    const bool lowered = !(geometry.pointwise() && plan.samples == 1);
    plan.lowered_elements = lowered ? plan.channels * geometry.taps() * plan.columns_stride : 0;
    plan.feature_elements = plan.samples > 1 ? geometry.feature_channels * columns : 0;
    plan.phase_elements = lowered ? Phases(geometry, plan.rows).elements() : 0;
    return plan;
}

}  // namespace duet
