#pragma once

#include <cstddef>

#include <duet/ops/kernels/convolution_geometry.hpp>
#include <duet/ops/kernels/panel_product.hpp>

namespace duet {

/// The feature pixel that image pixel `phase` meets by a tap, if any; i strides on it is i pixels on.
struct MetFeature {
    bool exists;
    std::ptrdiff_t offset;
};

inline MetFeature met_feature(const ConvolutionGeometry& geometry, std::size_t axis, std::size_t phase,
                              std::size_t tap) {
    const auto distance = static_cast<std::ptrdiff_t>(phase + geometry.padding[axis]) -
                          static_cast<std::ptrdiff_t>(tap * geometry.dilation[axis]);
    const auto stride = static_cast<std::ptrdiff_t>(geometry.stride[axis]);
    return {distance % stride == 0, distance / stride};
}

/// Visits the taps by which image pixels of a phase meet features, and which features the first of them
/// meets.
template <class Visit>
void for_each_met_tap(const ConvolutionGeometry& geometry, std::size_t row_phase, std::size_t column_phase,
                      const Visit& visit) {
    for (std::size_t y = 0; y < geometry.kernel[0]; ++y) {
        const MetFeature row = met_feature(geometry, 0, row_phase, y);
        for (std::size_t x = 0; row.exists && x < geometry.kernel[1]; ++x) {
            const MetFeature column = met_feature(geometry, 1, column_phase, x);
            if (column.exists) visit(y * geometry.kernel[1] + x, row.offset, column.offset);
        }
    }
}

/// The terms of an image pass's phases that come before one.
std::size_t terms_before(const ConvolutionGeometry& geometry, std::size_t row_phase,
                         std::size_t column_phase);

/// Arranged panels have this many columns, for either element type.
constexpr std::size_t arranged_width = panel_columns<float>;

/// From a term on, some columns of an arranged matrix of so many terms a column.
template <class T>
Panel<T> arranged_panel(const T* matrix, std::size_t terms, std::size_t column, std::size_t term,
                        std::size_t columns) {
    return {matrix + (column / arranged_width * terms + term) * arranged_width + column % arranged_width,
            arranged_width, columns};
}

/// True if every tile of the pass would arrange the whole of its second operand, the weight or the features,
/// in the same panels, which then is better done once (`arrange_panels`).
bool shares_panels(const ConvolutionGeometry& geometry, const ConvolutionPlan& plan, ConvolutionPass pass);

/// Writes the `part`-th of `parts` parts of a pass's second operand in panels of `arranged_width` columns,
/// terms in the order in which tiles multiply them. It takes as many elements as before.
///
/// The weight, for features: by channel and tap. The weight, for an image: by the phase of the strides, then
/// by tap and feature channel. The features, for a weight: by sample and pixel.
template <class T>
void arrange_panels(const ConvolutionGeometry& geometry, ConvolutionPass pass, const T* operand,
                    std::size_t part, std::size_t parts, T* arranged);

}  // namespace duet
