#include <duet/ops/kernels/convolution_plan.hpp>

#include <algorithm>

#include <duet/ops/kernels/convolution_phases.hpp>
#include <duet/ops/kernels/panel_product.hpp>
#include <duet/ops/kernels/strided_rows.hpp>
#include <duet/ops/kernels/winograd_plan.hpp>

namespace duet {

namespace {

constexpr std::size_t most_tiles = 16;
/// Less work than this is not worth a tile.
constexpr double flops_per_tile = 1e6;
/// Narrower slices of channels make poor matrix products.
constexpr std::size_t fewest_channels = 16;
/// Partial sums of weight gradients, in elements, all together.
constexpr std::size_t most_partials = std::size_t{1} << 19;

/// For the features, the image and the weight, as `build/tools/tune/tune` printed them.
constexpr ConvolutionTargets measured_targets[] = {
#include "convolution_table.inc"
};

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

std::size_t round_up(std::size_t elements) {
    constexpr std::size_t line = 16;
    return ceil_divide(elements, line) * line;
}

/// Pixels of the image that so many of the features meet, along an axis.
std::size_t met_pixels(const ConvolutionGeometry& geometry, std::size_t axis, std::size_t features) {
    return (features - 1) * geometry.stride[axis] + (geometry.kernel[axis] - 1) * geometry.dilation[axis] + 1;
}

void cut_gathered_blocks(const ConvolutionGeometry& geometry, ConvolutionPass pass, ConvolutionPlan& plan) {
    const bool image = pass == ConvolutionPass::image;
    const std::size_t most_pixels = pass == ConvolutionPass::features ? 392 : image ? 196 : panel_terms;
    const auto blocked = [&](std::size_t axis) {
        return image ? ceil_divide(geometry.image[axis], geometry.stride[axis]) : geometry.features[axis];
    };
    const std::size_t height = blocked(0), width = blocked(1);
    const std::size_t samples = part_of(geometry.batch, plan.sample_parts, 0).size();
    plan.samples = even_piece(samples, most_pixels / (height * width));
    plan.rows =
        plan.samples > 1 || height * width <= most_pixels ? height : even_piece(height, most_pixels / width);
    const std::size_t pixels = plan.samples * plan.rows * width;
    const std::size_t sliced =
        pass == ConvolutionPass::features ? geometry.feature_channels : geometry.image_channels;
    const std::size_t slice = geometry.groups > 1 ? sliced : part_of(sliced, plan.slices, 0).size();
    if (image) {
        const auto met = [&](std::size_t axis, std::size_t count) {
            return count + (geometry.kernel[axis] - 1) * geometry.dilation[axis] / geometry.stride[axis] + 1;
        };
        plan.window_elements =
            round_up(plan.samples * geometry.feature_channels * met(0, plan.rows) * met(1, width));
        plan.result_elements = round_up(geometry.stride[1] * (plan.samples + 1) * plan.rows * width * slice);
        plan.operand_elements = round_up(geometry.feature_channels * geometry.taps() * slice);
        return;
    }
    const std::size_t met = met_pixels(geometry, 0, plan.rows) * met_pixels(geometry, 1, width);
    if (pass == ConvolutionPass::features) {
        plan.channels = even_piece(geometry.image_channels, panel_terms / geometry.taps());
        plan.window_elements = round_up(plan.samples * plan.channels * met);
        plan.result_elements = round_up(pixels * slice);
    } else {
        plan.window_elements = round_up(plan.samples * slice * met);
        plan.operand_elements = round_up(pixels * geometry.feature_channels);
    }
}

/// Tiles may have to arrange the weight, or the features, each for itself: few tiles, of many pixels each. A
/// weight gradient is cut along its rows where the tiles can share the features, so that no parts of sums
/// need be added.
ConvolutionPlan plan_gathered(const ConvolutionGeometry& geometry, ConvolutionPass pass) {
    constexpr std::size_t fewest_pixels = 98, fewest_sliced = 16, fewest_rows = 96, shared_channels = 64;
    const double wanted = geometry.flops() / flops_per_tile;
    const std::size_t most = most_tiles / 2;
    const std::size_t tiles =
        std::clamp<std::size_t>(wanted < most ? static_cast<std::size_t>(wanted) : most, 1, most);
    const bool weight = pass == ConvolutionPass::weight, grouped = geometry.groups > 1;
    const std::size_t channels =
        pass == ConvolutionPass::features ? geometry.feature_channels : geometry.image_channels;
    std::size_t slices = 1;
    if (weight && grouped)
        slices = std::min(geometry.groups, tiles);
    else if (weight && geometry.feature_channels % shared_channels == 0)
        slices = std::clamp<std::size_t>(geometry.terms() / fewest_rows, 1, std::min(channels, tiles));
    std::size_t parts = std::min(geometry.batch, tiles / slices);
    parts = std::clamp<std::size_t>(geometry.batch * geometry.feature_pixels() / fewest_pixels, 1, parts);
    if (weight) parts = std::clamp<std::size_t>(most_partials / geometry.weight_elements(), 1, parts);
    ConvolutionPlan plan{};
    plan.method = ConvolutionMethod::gathered;
    plan.product_elements = panel_scratch;
    plan.sample_parts = parts;
    const std::size_t most_slices = grouped ? geometry.groups : ceil_divide(channels, fewest_sliced);
    plan.slices = std::max(slices, std::clamp<std::size_t>(tiles / parts, 1, most_slices));
    cut_gathered_blocks(geometry, pass, plan);
    return plan;
}

}  // namespace

bool gathers(const ConvolutionGeometry& geometry, ConvolutionPass pass) {
    constexpr std::size_t fewest_channels_gathered = 16, fewest_terms = 64, widest = 64;
    const std::size_t strides = geometry.stride[0] * geometry.stride[1];
    if (std::max(geometry.features[1], geometry.image[1] / geometry.stride[1] + 1) > widest) return false;
    switch (pass) {
        case ConvolutionPass::features:
            return geometry.feature_channels >= fewest_channels_gathered && geometry.terms() >= fewest_terms;
        case ConvolutionPass::image:
            return geometry.image_channels >= fewest_channels_gathered &&
                   geometry.feature_channels * geometry.taps() >= fewest_terms * strides;
        case ConvolutionPass::weight:
            break;
    }
    return geometry.feature_channels >= fewest_channels_gathered && geometry.terms() >= fewest_terms &&
           !geometry.few_terms();
}

ConvolutionPlan plan_convolution(const ConvolutionGeometry& geometry, ConvolutionPass pass) {
    if (filters_minimally(geometry)) return plan_winograd(geometry, pass);
    if (gathers(geometry, pass)) return plan_gathered(geometry, pass);
    return plan_convolution(geometry, pass, measured_targets[static_cast<std::size_t>(pass)]);
}

ConvolutionPlan plan_convolution(const ConvolutionGeometry& geometry, ConvolutionPass pass,
                                 const ConvolutionTargets& targets) {
    ConvolutionPlan plan{};
    cut_tiles(geometry, pass, targets, plan);
    cut_blocks(geometry, pass, targets, plan);
    const std::size_t columns = plan.samples * plan.rows * geometry.features[1];
    plan.columns_stride = columns + row_chunk;
    const bool lowered = !(geometry.pointwise() && plan.samples == 1);
    plan.product_elements = product_scratch;
    plan.front_elements = row_chunk;
    plan.lowered_elements = lowered ? plan.channels * geometry.taps() * plan.columns_stride : 0;
    const bool collected = plan.samples > 1 || pass == ConvolutionPass::weight;
    plan.feature_elements = collected ? geometry.feature_channels * columns : 0;
    plan.phase_elements = lowered ? plan.channels * Phases(geometry, plan.rows).elements() : 0;
    return plan;
}

}  // namespace duet
