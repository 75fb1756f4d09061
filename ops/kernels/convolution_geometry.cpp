#include <duet/ops/kernels/convolution_geometry.hpp>

namespace duet {

double ConvolutionGeometry::flops() const {
    return 2.0 * static_cast<double>(batch) * static_cast<double>(feature_pixels()) *
           static_cast<double>(weight_elements());
}

bool ConvolutionGeometry::pointwise() const {
    constexpr std::array<std::size_t, 2> ones{1, 1}, none{0, 0};
    return taps() == 1 && stride == ones && padding == none;
}

std::size_t ConvolutionPlan::workspace(const ConvolutionGeometry& geometry, ConvolutionPass pass) const {
    const bool sums = pass == ConvolutionPass::weight && method != ConvolutionMethod::winograd;
    return sums ? sample_parts * geometry.weight_elements() : 0;
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
