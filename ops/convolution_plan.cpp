#include <duet/ops/convolution_plan.hpp>

#include <algorithm>

#include <duet/ops/blas.hpp>
#include <duet/ops/convolution_phases.hpp>
#include <duet/ops/convolution_table.hpp>
#include <duet/ops/strided_rows.hpp>

namespace duet {

namespace {

constexpr std::size_t most_tiles = 16;
/// Less work than this is not worth a tile.
constexpr double flops_per_tile = 1e6;
/// Narrower slices of channels make poor matrix products.
constexpr std::size_t fewest_channels = 16;
/// Partial sums of weight gradients, in elements, all together.
constexpr std::size_t most_partials = std::size_t{1} << 19;

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

void cut_tiles(const ConvolutionGeometry& geometry, ConvolutionPass pass, const ConvolutionTargets& targets,
               ConvolutionPlan& plan) {
    const double wanted = geometry.flops() / flops_per_tile;
    const std::size_t tiles = wanted < 1            ? 1
                              : wanted < most_tiles ? static_cast<std::size_t>(wanted)
                                                    : most_tiles;
    std::size_t parts = std::min(geometry.batch, tiles);
    parts = std::clamp<std::size_t>(geometry.batch * geometry.feature_pixels() / targets.columns, 1, parts);
    if (pass == ConvolutionPass::weight)
        parts = std::clamp<std::size_t>(most_partials / geometry.weight_elements(), 1, parts);
    plan.sample_parts = parts;
    plan.slices = std::min(std::max<std::size_t>(tiles / parts, 1), sliceable(geometry, pass));
}

void cut_blocks(const ConvolutionGeometry& geometry, ConvolutionPass pass, const ConvolutionTargets& targets,
                ConvolutionPlan& plan) {
    const std::size_t pixels = geometry.feature_pixels(), width = geometry.features[1];
    const std::size_t samples = part_of(geometry.batch, plan.sample_parts, 0).size();
    plan.samples = even_piece(samples, targets.columns / pixels);
    plan.rows = geometry.features[0];
    if (plan.samples == 1 && pass != ConvolutionPass::image)
        plan.rows = even_piece(plan.rows, targets.most_columns / width);
    plan.columns = even_piece(plan.samples * plan.rows * width, targets.most_columns);
    plan.features = even_piece(geometry.feature_channels, targets.features);
    plan.channels = even_piece(geometry.image_channels,
                               targets.products / (plan.columns * plan.features * geometry.taps()));
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

std::size_t ConvolutionPlan::workspace(const ConvolutionGeometry& geometry, ConvolutionPass pass) const {
    const std::size_t sums = pass == ConvolutionPass::weight ? sample_parts * geometry.weight_elements() : 0;
    return tiles() * tile_elements() + sums;
}

ConvolutionPlan plan_convolution(const ConvolutionGeometry& geometry, ConvolutionPass pass) {
    return plan_convolution(geometry, pass, convolution_targets(blas_kernel(), pass));
}

ConvolutionPlan plan_convolution(const ConvolutionGeometry& geometry, ConvolutionPass pass,
                                 const ConvolutionTargets& targets) {
    ConvolutionPlan plan{};
    cut_tiles(geometry, pass, targets, plan);
    cut_blocks(geometry, pass, targets, plan);
    const std::size_t columns = plan.samples * plan.rows * geometry.features[1];
    plan.columns_stride = columns + row_chunk;
    const bool lowered = !(geometry.pointwise() && plan.samples == 1);
    plan.front_elements = row_chunk;
    plan.lowered_elements = lowered ? plan.channels * geometry.taps() * plan.columns_stride : 0;
    const bool collected = plan.samples > 1 || pass == ConvolutionPass::weight;
    plan.feature_elements = collected ? geometry.feature_channels * columns : 0;
    plan.phase_elements = lowered ? plan.channels * Phases(geometry, plan.rows).elements() : 0;
    return plan;
}

TilePart tile_part(const ConvolutionGeometry& geometry, const ConvolutionPlan& plan, ConvolutionPass pass,
                   std::size_t tile) {
    const std::size_t part = tile / plan.slices, slice = tile % plan.slices;
    const bool features = pass == ConvolutionPass::features;
    const std::size_t channels = features ? geometry.feature_channels : geometry.image_channels;
    const Range samples = part_of(geometry.batch, plan.sample_parts, part);
    if (geometry.groups > 1) return {samples, part_of(geometry.groups, plan.slices, slice), {0, channels}};
    return {samples, {0, 1}, part_of(channels, plan.slices, slice)};
}

}  // namespace duet
