#pragma once

#include <array>
#include <cstddef>

#include <duet/graph/pieces.hpp>
#include <duet/graph/shape.hpp>

namespace duet {

/// The distance in elements from one index to the next, an axis each.
using Strides = std::array<std::size_t, Shape::max_rank>;

/// The strides of a dense row-major buffer.
Strides dense_strides(const Shape& shape);

/// Fills a dense buffer from one that is read with strides of its own: the common kernel of ops that only
/// move elements. A stride of 0 repeats. Allocates nothing. Axes that lie one behind the other in both
/// buffers are walked as one.
class StridedCopy {
 public:
    StridedCopy(const Shape& output, const Strides& from);

    /// Into how many independent pieces the copy is cut.
    std::size_t tiles() const { return tiles_.count(); }
    template <class T>
    void run(std::size_t tile, const T* from, T* to) const;

 private:
    template <class T>
    void copy_axes(std::size_t axis, const T* from, T* to) const;

    std::size_t rank_ = 0;
    Strides extents_{}, from_{}, to_{};
    Pieces tiles_;
};

extern template void StridedCopy::run(std::size_t, const float*, float*) const;
extern template void StridedCopy::run(std::size_t, const double*, double*) const;

}  // namespace duet
