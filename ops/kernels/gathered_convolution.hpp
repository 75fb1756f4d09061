#pragma once

#include <cstddef>

#include <duet/ops/kernels/convolution_geometry.hpp>

namespace duet {

/// Pixels along an axis of a plane, which may begin before it and end behind it.
struct PixelRange {
    std::ptrdiff_t begin;
    std::size_t size;
};

/// One tile of a gathered pass, in scratch memory of its own. Every element of a result is one chain of fused
/// multiply-adds, in an order that does not depend on the cut; a weight gradient's, one for each part of the
/// samples.
template <class T>
class GatheredTile {
 public:
    /// With `arranged`, the second operand that each is given is an arranged one
    /// (ops/kernels/arranged_panels.hpp).
    GatheredTile(const ConvolutionGeometry& geometry, const ConvolutionPlan& plan, ConvolutionPass pass,
                 std::size_t tile, T* scratch, bool arranged);

    /// Each fills its part of the last argument from the two others.
    void features(const T* image, const T* weight, T* features);
    void image(const T* features, const T* weight, T* image);
    /// It adds up its part of the samples in `partials`, the workspace. Where there are several such parts,
    /// `sum_weight_parts` fills the weight.
    void weight(const T* image, const T* features, T* partials, T* weight);

 private:
    struct Planes;
    struct Window;

    Window window_of(const Planes& planes, const PixelRange& rows, const PixelRange& columns);
    void multiply_features(const Window& window, const T* filters, const Range& channels, std::size_t samples,
                           std::size_t rows);
    void multiply_phase(const Window& window, const T* filters, std::size_t samples, const Range& rows,
                        std::size_t row_phase, std::size_t column_phase);
    void write_phase(std::size_t sample, const Range& rows, std::size_t row_phase, T* image) const;
    std::size_t phase_elements() const;

    const ConvolutionGeometry& geometry_;
    const ConvolutionPlan& plan_;
    Range samples_, groups_, channels_;
    bool arranged_;
    /// The rows for which the window's zeros are in place.
    PixelRange zeros_{0, 0};
    std::size_t part_;
    T *packed_, *window_, *result_, *operand_;
};

}  // namespace duet
