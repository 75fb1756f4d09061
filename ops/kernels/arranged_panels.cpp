#include <duet/ops/kernels/arranged_panels.hpp>

#include <algorithm>

#include <duet/ops/kernels/strided_rows.hpp>

namespace duet {

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
    if (plan.method != ConvolutionMethod::gathered) return false;
    const bool grouped = geometry.groups > 1;
    if (pass == ConvolutionPass::weight)
        return !grouped && plan.slices > 1 && geometry.feature_channels % arranged_width == 0;
    const std::size_t channels =
        pass == ConvolutionPass::features ? geometry.feature_channels : geometry.image_channels;
    return plan.tiles() > 1 && channels % ((grouped ? 1 : plan.slices) * arranged_width) == 0;
}

namespace {

/// Rows of the features' panels: a part of the terms of each.
template <class T>
void arrange_filters(const ConvolutionGeometry& geometry, const T* weight, const Range& terms, T* arranged) {
    const std::size_t count = geometry.terms(), filters = geometry.groups * geometry.feature_channels;
    for (std::size_t filter = 0; filter < filters; filter += arranged_width)
        transpose_rows(weight + filter * count + terms.begin, count, arranged_width, terms.size(),
                       arranged + filter * count + terms.begin * arranged_width, arranged_width);
}

/// Rows of the image's panels: those of some feature channels in each phase.
template <class T>
void arrange_phases(const ConvolutionGeometry& geometry, const T* weight, const Range& features,
                    T* arranged) {
    constexpr std::size_t most_taps = 16;
    const ConvolutionGeometry& g = geometry;
    const std::size_t taps = g.taps(), panel_elements = g.feature_channels * taps * arranged_width;
    T transposed[most_taps * arranged_width];
    for (std::size_t group = 0; group < g.groups; ++group)
        for (std::size_t channel = 0; channel < g.image_channels; channel += arranged_width) {
            for (std::size_t feature = features.begin; feature < features.end; ++feature)
                for_each_piece({0, taps}, most_taps, [&](const Range& piece) {
                    transpose_rows(
                        weight +
                            ((group * g.feature_channels + feature) * g.image_channels + channel) * taps +
                            piece.begin,
                        taps, arranged_width, piece.size(), transposed, arranged_width);
                    T* to = arranged + feature * arranged_width;
                    for (std::size_t phase = 0; phase < g.stride[0] * g.stride[1]; ++phase)
                        for_each_met_tap(g, phase / g.stride[1], phase % g.stride[1],
                                         [&](std::size_t tap, std::ptrdiff_t, std::ptrdiff_t) {
                                             if (tap >= piece.begin && tap < piece.end)
                                                 std::copy_n(
                                                     transposed + (tap - piece.begin) * arranged_width,
                                                     arranged_width, to);
                                             to += g.feature_channels * arranged_width;
                                         });
                });
            arranged += panel_elements;
        }
}

/// Rows of the weight's panels: those of some samples.
template <class T>
void arrange_pixels(const ConvolutionGeometry& geometry, const T* features, const Range& samples,
                    T* arranged) {
    const std::size_t pixels = geometry.feature_pixels();
    for (std::size_t channel = 0; channel < geometry.feature_channels; channel += arranged_width)
        for (std::size_t sample = samples.begin; sample < samples.end; ++sample)
            transpose_rows(features + geometry.features_at(sample, 0, channel), pixels, arranged_width,
                           pixels, arranged + (channel * geometry.batch + sample * arranged_width) * pixels,
                           arranged_width);
}

}  // namespace

template <class T>
void arrange_panels(const ConvolutionGeometry& geometry, ConvolutionPass pass, const T* operand,
                    std::size_t part, std::size_t parts, T* arranged) {
    switch (pass) {
        case ConvolutionPass::features:
            return arrange_filters(geometry, operand, part_of(geometry.terms(), parts, part), arranged);
        case ConvolutionPass::image:
            return arrange_phases(geometry, operand, part_of(geometry.feature_channels, parts, part),
                                  arranged);
        case ConvolutionPass::weight:
            break;
    }
    arrange_pixels(geometry, operand, part_of(geometry.batch, parts, part), arranged);
}

template void arrange_panels(const ConvolutionGeometry&, ConvolutionPass, const float*, std::size_t,
                             std::size_t, float*);
template void arrange_panels(const ConvolutionGeometry&, ConvolutionPass, const double*, std::size_t,
                             std::size_t, double*);

}  // namespace duet
