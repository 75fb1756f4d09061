#include <duet/ops/strided_copy.hpp>

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace duet {

namespace {

constexpr std::size_t elements_per_tile = 1 << 13;

/// to[i * to_stride + j] = from[i + j * from_stride]
template <class T>
void transpose_block(const T* from, std::size_t from_stride, T* to, std::size_t to_stride, std::size_t rows,
                     std::size_t columns) {
    for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t j = 0; j < columns; ++j) to[i * to_stride + j] = from[i + j * from_stride];
}

constexpr std::size_t side = 8;
using Row = float __attribute__((vector_size(side * sizeof(float))));

/// The same for a square of eight by eight, in registers: pairs, then fours, then halves change places.
inline void transpose_square(const float* from, std::size_t from_stride, float* to, std::size_t to_stride) {
    Row source[side], pairs[side], fours[side];
    for (std::size_t i = 0; i < side; ++i) std::memcpy(&source[i], from + i * from_stride, sizeof(Row));
    for (std::size_t i = 0; i < side; i += 2) {
        pairs[i] = __builtin_shufflevector(source[i], source[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        pairs[i + 1] = __builtin_shufflevector(source[i], source[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    for (std::size_t i = 0; i < side; i += 4) {
        fours[i] = __builtin_shufflevector(pairs[i], pairs[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        fours[i + 1] = __builtin_shufflevector(pairs[i], pairs[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        fours[i + 2] = __builtin_shufflevector(pairs[i + 1], pairs[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
        fours[i + 3] = __builtin_shufflevector(pairs[i + 1], pairs[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
    }
    for (std::size_t i = 0; i < side / 2; ++i) {
        const Row low = __builtin_shufflevector(fours[i], fours[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        const Row high = __builtin_shufflevector(fours[i], fours[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
        std::memcpy(to + i * to_stride, &low, sizeof(Row));
        std::memcpy(to + (i + 4) * to_stride, &high, sizeof(Row));
    }
}

template <class T>
void transpose_blocks(const T* from, std::size_t from_stride, T* to, std::size_t to_stride, std::size_t rows,
                      std::size_t columns) {
    std::size_t whole_rows = 0, whole_columns = 0;
    if constexpr (std::is_same_v<T, float>) {
        whole_rows = rows / side * side;
        whole_columns = columns / side * side;
        // Two squares abreast read whole cache lines of the source and leave whole ones in the output.
        for (std::size_t pair = 0; pair < whole_rows; pair += 2 * side)
            for (std::size_t j = 0; j < whole_columns; j += side)
                for (std::size_t i = pair; i < std::min(pair + 2 * side, whole_rows); i += side)
                    transpose_square(from + i + j * from_stride, from_stride, to + i * to_stride + j,
                                     to_stride);
    }
    constexpr std::size_t block = 16;
    const auto rest = [&](std::size_t first_row, std::size_t first_column, std::size_t end_column) {
        for (std::size_t i = first_row; i < rows; i += block)
            for (std::size_t j = first_column; j < end_column; j += block)
                transpose_block(from + i + j * from_stride, from_stride, to + i * to_stride + j, to_stride,
                                std::min(block, rows - i), std::min(block, end_column - j));
    };
    rest(whole_rows, 0, whole_columns);
    rest(0, whole_columns, columns);
}

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
    extents_per_tile_ = std::max<std::size_t>(1, elements_per_tile / inner);
    tiles_ = (extents_[0] + extents_per_tile_ - 1) / extents_per_tile_;
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
        transpose_blocks(from, from_[axis + 1], to, to_stride, extent, extents_[axis + 1]);
    } else {
        for (std::size_t i = 0; i < extent; ++i)
            copy_axes(axis + 1, from + i * from_stride, to + i * to_stride);
    }
}

template <class T>
void StridedCopy::run(std::size_t tile, const T* from, T* to) const {
    const std::size_t begin = tile * extents_per_tile_;
    StridedCopy part = *this;
    part.extents_[0] = std::min(extents_per_tile_, extents_[0] - begin);
    part.copy_axes(0, from + begin * from_[0], to + begin * to_[0]);
}

template void StridedCopy::run(std::size_t, const float*, float*) const;
template void StridedCopy::run(std::size_t, const double*, double*) const;

}  // namespace duet
