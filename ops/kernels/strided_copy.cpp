#include <duet/ops/kernels/strided_copy.hpp>

#include <algorithm>

#include <duet/ops/kernels/strided_rows.hpp>

namespace duet {

namespace {

constexpr std::size_t elements_per_tile = 1 << 13;

}  // namespace

Strides dense_strides(const Shape& shape) {
    Strides strides{};
    std::size_t stride = 1;
    for (std::size_t axis = shape.rank(); axis-- > 0;) {
        strides[axis] = stride;
        stride *= shape[axis];
    }
    return strides;
}

StridedCopy::StridedCopy(const Shape& output, const Strides& from) {
    const Strides to = dense_strides(output);
    for (std::size_t axis = 0; axis < output.rank(); ++axis) {
        const std::size_t extent = output[axis];
        if (extent == 1) continue;
        const bool continues = rank_ > 0 && from_[rank_ - 1] == extent * from[axis];
        if (continues) {
            extents_[rank_ - 1] *= extent;
        } else {
            extents_[rank_++] = extent;
        }
        from_[rank_ - 1] = from[axis];
        to_[rank_ - 1] = to[axis];
    }
    if (rank_ == 0) {
        rank_ = extents_[0] = from_[0] = to_[0] = 1;
    }
    if (rank_ > 1 && from_[rank_ - 1] > 1) {
        // The axis that is dense in the source goes next to the one that is dense in the output.
        const auto dense =
            std::find(from_.begin(), from_.begin() + rank_ - 1, std::size_t{1}) - from_.begin();
        if (dense < static_cast<std::ptrdiff_t>(rank_) - 1)
            for (Strides* strides : {&extents_, &from_, &to_})
                std::rotate(strides->begin() + dense, strides->begin() + dense + 1,
                            strides->begin() + rank_ - 1);
    }
    const std::size_t inner = output.elements() / extents_[0];
    tiles_ = row_pieces(extents_[0], inner, elements_per_tile);
}

template <class T>
void StridedCopy::copy_axes(std::size_t axis, const T* from, T* to) const {
    const std::size_t extent = extents_[axis], from_stride = from_[axis], to_stride = to_[axis];
    if (axis + 1 == rank_) {
        if (from_stride == 1) {
            std::copy_n(from, extent, to);
        } else if (from_stride == 0) {
            std::fill_n(to, extent, *from);
        } else {
            for (std::size_t i = 0; i < extent; ++i) to[i] = from[i * from_stride];
        }
    } else if (axis + 2 == rank_ && from_stride == 1 && from_[axis + 1] > 1) {
        transpose_rows(from, from_[axis + 1], extents_[axis + 1], extent, to, to_stride);
    } else {
        for (std::size_t i = 0; i < extent; ++i)
            copy_axes(axis + 1, from + i * from_stride, to + i * to_stride);
    }
}

template <class T>
void StridedCopy::run(std::size_t tile, const T* from, T* to) const {
    const Range range = tiles_[tile];
    StridedCopy part = *this;
    part.extents_[0] = range.size();
    part.copy_axes(0, from + range.begin * from_[0], to + range.begin * to_[0]);
}

template void StridedCopy::run(std::size_t, const float*, float*) const;
template void StridedCopy::run(std::size_t, const double*, double*) const;

}  // namespace duet
