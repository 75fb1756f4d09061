#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include <duet/ops/kernels/vector_registers.hpp>

namespace duet {

/// Rows are handled in whole chunks of so many elements.
constexpr std::size_t row_chunk = 8;

/// A chunk in vector registers, for loops too short to be vectorised by the compiler.
template <class T>
struct Chunk {
    using Integer = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
    using Values __attribute__((vector_size(row_chunk * sizeof(T)))) = T;
    using Half __attribute__((vector_size(row_chunk / 2 * sizeof(T)))) = T;
    using Mask __attribute__((vector_size(row_chunk * sizeof(T)))) = Integer;
};

/// Copies `count` elements, in chunks of which the last two may overlap.
template <class T>
void copy_run(const T* from, std::size_t count, T* to) {
    const auto copy = [&](auto chunk) {
        for (std::size_t i = 0; i + chunk < count; i += chunk)
            std::memcpy(to + i, from + i, chunk * sizeof(T));
        std::memcpy(to + count - chunk, from + count - chunk, chunk * sizeof(T));
    };
    if (count >= row_chunk) return copy(std::integral_constant<std::size_t, row_chunk>());
    if (count >= row_chunk / 2) return copy(std::integral_constant<std::size_t, row_chunk / 2>());
    for (std::size_t i = 0; i < count; ++i) to[i] = from[i];
}

/// Copies `rows` rows of `count` elements. What stands up to a whole chunk behind each row of `to` is
/// overwritten, as much of `from` is read.
template <class T>
void copy_rows(const T* from, std::size_t from_stride, std::size_t rows, std::size_t count, T* to,
               std::size_t to_stride) {
    const auto copy = [&](auto chunks) {
        for (std::size_t row = 0; row < rows; ++row, from += from_stride, to += to_stride)
            for (std::size_t i = 0; i < chunks * row_chunk; i += row_chunk)
                std::memcpy(to + i, from + i, row_chunk * sizeof(T));
    };
    switch ((count + row_chunk - 1) / row_chunk) {
        case 1:
            return copy(std::integral_constant<std::size_t, 1>());
        case 2:
            return copy(std::integral_constant<std::size_t, 2>());
        case 4:
            return copy(std::integral_constant<std::size_t, 4>());
        default:
            return copy((count + row_chunk - 1) / row_chunk);
    }
}

/// Adds to the chunk at the head of each of `rows` rows of `to` the elements begin - offset, begin - offset +
/// 1,
/// ... of a dense row of `count` elements, nothing where there are none; what stands there is read.
template <class T>
void add_chunks(const T* from, std::size_t begin, std::size_t offset, std::size_t count, std::size_t rows,
                T* to, std::size_t to_stride) {
    using Values = typename Chunk<T>::Values;
    using Mask = typename Chunk<T>::Mask;
    using Integer = typename Chunk<T>::Integer;
    constexpr Mask lanes{0, 1, 2, 3, 4, 5, 6, 7};
    const auto first = static_cast<Integer>(begin) - static_cast<Integer>(offset);
    const Mask kept = (lanes >= -first) & (lanes < static_cast<Integer>(count) - first);
    from += static_cast<std::ptrdiff_t>(begin) - static_cast<std::ptrdiff_t>(offset);
    for (std::size_t row = 0; row < rows; ++row, from += count, to += to_stride) {
        Values values, sums;
        std::memcpy(&values, from, sizeof values);
        std::memcpy(&sums, to, sizeof sums);
        sums += reinterpret_cast<Values>(reinterpret_cast<Mask>(values) & kept);
        std::memcpy(to, &sums, sizeof sums);
    }
}

/// even[i] = from[2 i] and odd[i] = from[2 i + 1] for `pairs` pairs.
template <class T>
void split_pairs(const T* from, std::size_t pairs, T* even, T* odd) {
    constexpr std::size_t half = row_chunk / 2;
    if (pairs < half) {
        for (std::size_t i = 0; i < pairs; ++i) {
            even[i] = from[2 * i];
            odd[i] = from[2 * i + 1];
        }
        return;
    }
    const auto split = [&](std::size_t i) {
        typename Chunk<T>::Values values;
        std::memcpy(&values, from + 2 * i, sizeof values);
        const auto first = __builtin_shufflevector(values, values, 0, 2, 4, 6);
        const auto second = __builtin_shufflevector(values, values, 1, 3, 5, 7);
        std::memcpy(even + i, &first, sizeof first);
        std::memcpy(odd + i, &second, sizeof second);
    };
    for (std::size_t i = 0; i + half < pairs; i += half) split(i);
    split(pairs - half);
}

/// The reverse of `split_pairs`.
template <class T>
void join_pairs(const T* even, const T* odd, std::size_t pairs, T* to) {
    constexpr std::size_t half = row_chunk / 2;
    if (pairs < half) {
        for (std::size_t i = 0; i < pairs; ++i) {
            to[2 * i] = even[i];
            to[2 * i + 1] = odd[i];
        }
        return;
    }
    const auto join = [&](std::size_t i) {
        typename Chunk<T>::Half first, second;
        std::memcpy(&first, even + i, sizeof first);
        std::memcpy(&second, odd + i, sizeof second);
        const auto both = __builtin_shufflevector(first, second, 0, 4, 1, 5, 2, 6, 3, 7);
        std::memcpy(to + 2 * i, &both, sizeof both);
    };
    for (std::size_t i = 0; i + half < pairs; i += half) join(i);
    join(pairs - half);
}

namespace detail {

/// Of each `group` lanes, pieces of `unit` lanes from a and b in turn: of their lower halves, or upper ones.
template <std::size_t unit, std::size_t group, bool upper, class Values, std::size_t... lane>
Values interleave(const Values& a, const Values& b, std::index_sequence<lane...>) {
    constexpr auto source = [](std::size_t i) {
        const std::size_t within = i % group, piece = within / unit;
        return piece % 2 * sizeof...(lane) + i - within + piece / 2 * unit + within % unit +
               (upper ? group / 2 : 0);
    };
    return __builtin_shufflevector(a, b, source(lane)...);
}

/// `width` rows, one or two chunks, of a chunk: to[c][r] = from[r][c]. A register holds row i and, behind it,
/// row i + row_chunk.
template <std::size_t width, class T>
void transpose_block(const T* from, std::size_t from_stride, T* to, std::size_t to_stride) {
    using Values __attribute__((vector_size(width * sizeof(T)))) = T;
    constexpr auto lanes = std::make_index_sequence<width>();
    const auto load = [&](std::size_t row) {
        typename Chunk<T>::Values values;
        std::memcpy(&values, from + row * from_stride, sizeof values);
        return values;
    };
    Values rows[row_chunk], pairs[row_chunk], quads[row_chunk];
    for (std::size_t i = 0; i < row_chunk; ++i)
        if constexpr (width == row_chunk)
            rows[i] = load(i);
        else
            rows[i] = __builtin_shufflevector(load(i), load(i + row_chunk), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
                                              11, 12, 13, 14, 15);
    for (std::size_t i = 0; i < row_chunk; i += 2) {
        pairs[i] = interleave<1, 4, false>(rows[i], rows[i + 1], lanes);
        pairs[i + 1] = interleave<1, 4, true>(rows[i], rows[i + 1], lanes);
    }
    for (std::size_t i = 0; i < row_chunk; i += 4)
        for (std::size_t j = 0; j < 2; ++j) {
            quads[i + 2 * j] = interleave<2, 4, false>(pairs[i + j], pairs[i + j + 2], lanes);
            quads[i + 2 * j + 1] = interleave<2, 4, true>(pairs[i + j], pairs[i + j + 2], lanes);
        }
    for (std::size_t i = 0; i < row_chunk / 2; ++i) {
        const Values left = interleave<4, 8, false>(quads[i], quads[i + 4], lanes);
        const Values right = interleave<4, 8, true>(quads[i], quads[i + 4], lanes);
        std::memcpy(to + i * to_stride, &left, sizeof left);
        std::memcpy(to + (i + 4) * to_stride, &right, sizeof right);
    }
}

}  // namespace detail

/// to[c][r] = from[r][c] for `rows` rows of `columns` elements.
template <class T>
void transpose_rows(const T* from, std::size_t from_stride, std::size_t rows, std::size_t columns, T* to,
                    std::size_t to_stride) {
    constexpr std::size_t pair = 2 * row_chunk;
    const std::size_t whole_rows = rows - rows % row_chunk, whole_columns = columns - columns % row_chunk;
    const auto transpose = [&](auto width, std::size_t row, std::size_t column) {
        detail::transpose_block<width>(from + row * from_stride + column, from_stride,
                                       to + column * to_stride + row, to_stride);
    };
    constexpr std::integral_constant<std::size_t, row_chunk> single;
    // Two chunks abreast leave whole cache lines behind.
    for (std::size_t row = 0; row < whole_rows; row += pair)
        for (std::size_t column = 0; column < whole_columns; column += row_chunk) {
            if (row + row_chunk == whole_rows) {
                transpose(single, row, column);
            } else if constexpr (pair * sizeof(T) <= vector_register_bytes) {
                transpose(std::integral_constant<std::size_t, pair>(), row, column);
            } else {
                transpose(single, row, column);
                transpose(single, row + row_chunk, column);
            }
        }
    for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t column = row < whole_rows ? whole_columns : 0; column < columns; ++column)
            to[column * to_stride + row] = from[row * from_stride + column];
}

}  // namespace duet
