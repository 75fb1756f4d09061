#include <duet/ops/arranged_weight.hpp>

#include <algorithm>
#include <utility>

#include <duet/ops/strided_rows.hpp>

namespace duet {

namespace {

/// A weight in the order in which every tile of a pass multiplies it, for tiles to share.
class ArrangeWeight final : public OpOf<ArrangeWeight> {
 public:
    ArrangeWeight(const ConvolutionGeometry& geometry, ConvolutionPass pass, std::string convolution)
        : geometry_(geometry), pass_(pass), convolution_(std::move(convolution)) {}

    std::string name() const override { return "arrange_weight"; }
    std::string attributes() const override { return convolution_; }
    Shape shape(std::span<const Shape> inputs) const override { return inputs[0]; }
    double flops(const Signature&) const override { return 0; }
    std::size_t tiles(const Signature& signature) const override {
        constexpr std::size_t worth_a_tile = 16384, most_tiles = 4;
        return std::clamp<std::size_t>(signature.output.elements() / worth_a_tile, 1, most_tiles);
    }

    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const std::size_t parts = tiles({kernel.input_shapes, kernel.output_shape});
        arrange_weight(geometry_, pass_, kernel.inputs[0], kernel.tile, parts, kernel.output);
    }

 private:
    ConvolutionGeometry geometry_;
    ConvolutionPass pass_;
    std::string convolution_;
};

}  // namespace

std::size_t terms_before(const ConvolutionGeometry& geometry, std::size_t row_phase,
                         std::size_t column_phase) {
    std::size_t taps = 0;
    const std::size_t phases = row_phase * geometry.stride[1] + column_phase;
    for (std::size_t phase = 0; phase < phases; ++phase)
        for_each_met_tap(geometry, phase / geometry.stride[1], phase % geometry.stride[1],
                         [&](std::size_t, std::ptrdiff_t, std::ptrdiff_t) { ++taps; });
    return taps * geometry.feature_channels;
}

bool shares_panels(const ConvolutionGeometry& geometry, const ConvolutionPlan& plan, ConvolutionPass pass) {
    if (!plan.gathered || pass == ConvolutionPass::weight) return false;
    const std::size_t channels =
        pass == ConvolutionPass::features ? geometry.feature_channels : geometry.image_channels;
    const std::size_t slices = geometry.groups > 1 ? 1 : plan.slices;
    return plan.tiles() > 1 && channels % (slices * arranged_width) == 0;
}

template <class T>
void arrange_weight(const ConvolutionGeometry& geometry, ConvolutionPass pass, const T* weight,
                    std::size_t part, std::size_t parts, T* arranged) {
    const ConvolutionGeometry& g = geometry;
    const bool features = pass == ConvolutionPass::features;
    const std::size_t channels = features ? g.feature_channels : g.image_channels, taps = g.taps();
    const std::size_t panels = channels / arranged_width, group_elements = g.weight_elements() / g.groups;
    const std::size_t terms = group_elements / channels;
    const Range range = part_of(g.groups * panels, parts, part);
    for (std::size_t panel = range.begin; panel < range.end; ++panel) {
        const std::size_t channel = panel % panels * arranged_width;
        const T* const from = weight + panel / panels * group_elements;
        T* to = arranged + panel * terms * arranged_width;
        if (features) {
            transpose_rows(from + channel * terms, terms, arranged_width, terms, to, arranged_width);
            continue;
        }
        for (std::size_t phase = 0; phase < g.stride[0] * g.stride[1]; ++phase)
            for_each_met_tap(g, phase / g.stride[1], phase % g.stride[1],
                             [&](std::size_t tap, std::ptrdiff_t, std::ptrdiff_t) {
                                 for (std::size_t feature = 0; feature < g.feature_channels; ++feature)
                                     for (std::size_t i = 0; i < arranged_width; ++i)
                                         *to++ =
                                             from[(feature * g.image_channels + channel + i) * taps + tap];
                             });
    }
}

std::shared_ptr<const Op> arrange_weight_op(const ConvolutionGeometry& geometry, ConvolutionPass pass,
                                            std::string purpose) {
    return std::make_shared<ArrangeWeight>(geometry, pass, std::move(purpose));
}

template void arrange_weight(const ConvolutionGeometry&, ConvolutionPass, const float*, std::size_t,
                             std::size_t, float*);
template void arrange_weight(const ConvolutionGeometry&, ConvolutionPass, const double*, std::size_t,
                             std::size_t, double*);

}  // namespace duet
