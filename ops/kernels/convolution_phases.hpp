#pragma once

#include <array>
#include <cstddef>

#include <duet/ops/kernels/convolution_geometry.hpp>
#include <duet/ops/kernels/strided_rows.hpp>

namespace duet {

/// One channel of one image, zeros around it, taken apart by stride: phase (a, b) holds the pixels at rows
/// a, a + stride, ... and columns b, b + stride, .... Within a phase, what one tap of the kernel meets is a
/// window of adjacent pixels, for any stride and dilation.
class Phases {
 public:
    /// For the image pixels that meet `rows` rows of the features.
    Phases(const ConvolutionGeometry& geometry, std::size_t rows);

    std::size_t elements() const {
        return counts_[0] * counts_[1] * extents_[0] * row_elements() + row_chunk;
    }

    /// Takes apart what features from row `first_row` on meet. The phases must have been zeros before the
    /// first call.
    template <class T>
    void take_apart(const T* image, std::size_t first_row, T* phases) const;
    /// Writes row after row of the lowered image, one for each tap, `stride` elements apart: the windows of
    /// `rows` rows of features.
    template <class T>
    void lower(const T* phases, std::size_t rows, T* lowered, std::size_t stride) const;
    /// The reverse of both: each pixel of the image becomes the sum of what it met, 0 if it met nothing. A
    /// chunk in front of `lowered` and behind each row is read. `sums` is scratch memory of `elements()`.
    template <class T>
    void gather(const T* lowered, std::size_t stride, T* sums, T* image) const;

 private:
    std::size_t row_elements() const { return (extents_[1] + row_chunk - 1) / row_chunk * row_chunk; }
    std::size_t plane() const { return extents_[0] * extents_[1]; }
    struct Tap {
        std::size_t number, offset;
        Tap& operator+=(Tap by) {
            number += by.number;
            offset += by.offset;
            return *this;
        }
    };
    struct Columns {
        std::size_t phase, begin, count;
    };
    template <class VisitRow>
    void for_each_row(std::size_t first_row, const VisitRow& visit) const;
    template <class Visit>
    void for_each_tap(const Visit& visit) const;
    Tap first_tap(std::size_t axis, std::size_t phase) const;
    template <class T>
    void sum_phase(const T* lowered, std::size_t stride, std::size_t a, std::size_t b, T* sums) const;
    template <class T>
    void put_together(const T* sums, std::size_t apart, T* row) const;
    Range inside(std::size_t axis, std::size_t phase, std::size_t first) const;

    const ConvolutionGeometry& geometry_;
    std::array<std::size_t, 2> counts_, extents_;
    /// The dilation in strides, and what is left; from a tap to the next that meets the same phase.
    std::array<std::size_t, 2> dilation_whole_, dilation_rest_;
    std::array<Tap, 2> next_;
    /// Where the even and the odd columns of an image stand, with stride 2.
    std::array<Columns, 2> columns_;
    bool in_pairs_, cut_, covers_image_ = true;
};

}  // namespace duet
