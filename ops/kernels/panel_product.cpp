#include <duet/ops/kernels/panel_product.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#if defined(__AVX512F__) || defined(__FMA__)
#include <immintrin.h>
#endif

#include <duet/graph/pieces.hpp>
#include <duet/ops/kernels/strided_rows.hpp>

namespace duet {

namespace {

template <class T>
constexpr std::size_t most_registers = panel_columns<T> / lanes<T>;
/// Multiplications a column for whose sake a panel is packed: a small one is as fast where it is.
constexpr std::size_t worth_packing = 64 * 128;

#if defined(__AVX512F__)
Register<float> multiply_add(float a, Register<float> b, Register<float> c) {
    return _mm512_fmadd_ps(_mm512_set1_ps(a), b, c);
}
Register<double> multiply_add(double a, Register<double> b, Register<double> c) {
    return _mm512_fmadd_pd(_mm512_set1_pd(a), b, c);
}
#elif defined(__FMA__)
Register<float> multiply_add(float a, Register<float> b, Register<float> c) {
    return _mm256_fmadd_ps(_mm256_set1_ps(a), b, c);
}
Register<double> multiply_add(double a, Register<double> b, Register<double> c) {
    return _mm256_fmadd_pd(_mm256_set1_pd(a), b, c);
}
#else
Register<float> multiply_add(float a, Register<float> b, Register<float> c) {
    return a * b + c;
}
Register<double> multiply_add(double a, Register<double> b, Register<double> c) {
    return a * b + c;
}
#endif

/// `row_count` rows by `registers` registers of columns.
template <class T, std::size_t row_count, std::size_t registers, bool accumulate>
void multiply_block(const T* a, const std::size_t* rows, const std::size_t* terms, std::size_t term_count,
                    const T* b, std::size_t b_stride, T* output, std::size_t output_stride) {
    Register<T> sums[row_count][registers];
    const T* row[row_count];
    DUET_UNROLL
    for (std::size_t i = 0; i < row_count; ++i) {
        row[i] = a + rows[i];
        DUET_UNROLL
        for (std::size_t j = 0; j < registers; ++j)
            sums[i][j] = accumulate ? load(output + i * output_stride + j * lanes<T>) : Register<T>{};
    }
    for (std::size_t k = 0; k < term_count; ++k, b += b_stride) {
        const std::size_t term = terms[k];
        Register<T> right[registers];
        DUET_UNROLL
        for (std::size_t j = 0; j < registers; ++j) right[j] = load(b + j * lanes<T>);
        DUET_UNROLL
        for (std::size_t i = 0; i < row_count; ++i) {
            const T left = row[i][term];
            DUET_UNROLL
            for (std::size_t j = 0; j < registers; ++j) sums[i][j] = multiply_add(left, right[j], sums[i][j]);
        }
    }
    DUET_UNROLL
    for (std::size_t i = 0; i < row_count; ++i) {
        DUET_UNROLL
        for (std::size_t j = 0; j < registers; ++j)
            store<T>(sums[i][j], output + i * output_stride + j * lanes<T>);
    }
}

template <class T>
using Block = void (*)(const T*, const std::size_t*, const std::size_t*, std::size_t, const T*, std::size_t,
                       T*, std::size_t);

/// blocks[i][j] has i + 1 rows and j + 1 registers.
template <class T, bool accumulate>
constexpr auto blocks = []<std::size_t... i>(std::index_sequence<i...>) {
    constexpr auto of_rows = []<std::size_t rows, std::size_t... j>(std::integral_constant<std::size_t, rows>,
                                                                    std::index_sequence<j...>) {
        return std::array<Block<T>, sizeof...(j)>{multiply_block<T, rows, j + 1, accumulate>...};
    };
    return std::array{of_rows(std::integral_constant<std::size_t, i + 1>(),
                              std::make_index_sequence<most_registers<T>>())...};
}
(std::make_index_sequence<panel_rows>());

/// The rows to take of `left`: all blocks as high as they can be, the last two alike.
std::size_t next_rows(std::size_t left) {
    if (left <= panel_rows) return left;
    return left < 2 * panel_rows ? (left + 1) / 2 : panel_rows;
}

}  // namespace

template <class T>
void multiply_panel(const GatheredRows<T>& a, const Panel<T>& b, bool accumulate, T* output,
                    std::size_t output_stride) {
    const std::size_t registers = (b.columns + lanes<T> - 1) / lanes<T>, width = registers * lanes<T>;
    const bool whole = b.columns == width;
    for (std::size_t i = 0; i < a.row_count;) {
        const std::size_t count = next_rows(a.row_count - i);
        const Block<T> block = (accumulate ? blocks<T, true> : blocks<T, false>)[count - 1][registers - 1];
        T* const to = output + i * output_stride;
        if (whole) {
            block(a.elements, a.rows + i, a.terms, a.term_count, b.elements, b.stride, to, output_stride);
        } else {
            T padded[panel_rows * panel_columns<T>];
            if (accumulate)
                for (std::size_t row = 0; row < count; ++row) {
                    std::fill_n(std::copy_n(to + row * output_stride, b.columns, padded + row * width),
                                width - b.columns, T(0));
                }
            block(a.elements, a.rows + i, a.terms, a.term_count, b.elements, b.stride, padded, width);
            for (std::size_t row = 0; row < count; ++row)
                std::copy_n(padded + row * width, b.columns, to + row * output_stride);
        }
        i += count;
    }
}

template <class T>
Panel<T> pack_panel(const T* from, std::size_t stride, bool transposed, std::size_t terms,
                    std::size_t columns, T* packed) {
    const std::size_t width = (columns + lanes<T> - 1) / lanes<T> * lanes<T>;
    if (columns == panel_columns<T> && !transposed) {
        for (std::size_t k = 0; k < terms; ++k)
            std::memcpy(packed + k * width, from + k * stride, panel_columns<T> * sizeof(T));
        return {packed, width, columns};
    }
    if (transposed)
        transpose_rows(from, stride, columns, terms, packed, width);
    else
        for (std::size_t k = 0; k < terms; ++k) std::copy_n(from + k * stride, columns, packed + k * width);
    if (columns < width)
        for (std::size_t k = 0; k < terms; ++k)
            std::fill_n(packed + k * width + columns, width - columns, T(0));
    return {packed, width, columns};
}

namespace {

/// Multiplies by the panels that `panel_at(first term, terms, first column, columns, rows that use it)`
/// yields.
template <class T, class PanelAt>
void multiply_by(const PanelAt& panel_at, bool transpose_a, std::size_t m, std::size_t n, std::size_t k,
                 const T* a, std::size_t lda, bool accumulate, T* output, std::size_t ldc, T* gathered) {
    // Rows, or terms, that far apart fall into the same sets of the first level of cache.
    const bool gather = lda * sizeof(T) % 2048 == 0 && n > panel_columns<T>;
    std::size_t terms[panel_terms], rows[gathered_rows];
    const std::size_t row_step = transpose_a ? 1 : lda, term_step = transpose_a ? lda : 1;
    const std::size_t near_row = gather && !transpose_a ? gathered_stride : row_step;
    const std::size_t near_term = gather && transpose_a ? gathered_rows : term_step;
    for (std::size_t i = 0; i < std::min(k, panel_terms); ++i) terms[i] = i * near_term;
    for (std::size_t i = 0; i < std::min(m, gathered_rows); ++i) rows[i] = i * near_row;
    const std::size_t pieces = std::max<std::size_t>(1, ceil_divide(k, panel_terms));
    for (std::size_t piece = 0; piece < pieces; ++piece, accumulate = true) {
        const std::size_t first = k * piece / pieces, term_count = k * (piece + 1) / pieces - first;
        for (std::size_t row = 0; row < m; row += gathered_rows) {
            const std::size_t row_count = std::min(gathered_rows, m - row);
            const T* from = a + first * term_step + row * row_step;
            if (gather) {
                const std::size_t runs = transpose_a ? term_count : row_count;
                const std::size_t length = transpose_a ? row_count : term_count;
                for (std::size_t i = 0; i < runs; ++i)
                    std::copy_n(from + i * lda, length,
                                gathered + i * (transpose_a ? gathered_rows : gathered_stride));
                from = gathered;
            }
            for (std::size_t column = 0; column < n; column += panel_columns<T>)
                multiply_panel<T>(
                    {from, rows, row_count, terms, term_count},
                    panel_at(first, term_count, column, std::min(panel_columns<T>, n - column), row_count),
                    accumulate, output + row * ldc + column, ldc);
        }
    }
}

}  // namespace

template <class T>
void multiply(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const T* a,
              std::size_t lda, const T* b, std::size_t ldb, bool accumulate, T* output, std::size_t ldc,
              T* scratch) {
    // A single column would use one lane of a register; as a row it fills them.
    if (n == 1 && ldc == 1 && m > 1)
        return multiply(!transpose_b, !transpose_a, 1, m, k, b, ldb, a, lda, accumulate, output, m, scratch);
    const auto panel_at = [&](std::size_t first, std::size_t terms, std::size_t column, std::size_t columns,
                              std::size_t rows) {
        const T* const right = b + (transpose_b ? column * ldb + first : first * ldb + column);
        if (transpose_b || rows * terms > worth_packing || columns % lanes<T> != 0)
            return pack_panel(right, ldb, transpose_b, terms, columns, scratch);
        return Panel<T>{right, ldb, columns};
    };
    multiply_by(panel_at, transpose_a, m, n, k, a, lda, accumulate, output, ldc, scratch + panel_scratch);
}

template <class T>
void multiply_packed(bool transpose_a, std::size_t m, std::size_t n, std::size_t k, const T* a,
                     std::size_t lda, const T* panels, std::size_t width, bool accumulate, T* output,
                     std::size_t ldc, T* scratch) {
    const auto panel_at = [&](std::size_t first, std::size_t, std::size_t column, std::size_t columns,
                              std::size_t) {
        return Panel<T>{panels + (column / width * k + first) * width + column % width, width, columns};
    };
    multiply_by(panel_at, transpose_a, m, n, k, a, lda, accumulate, output, ldc, scratch + panel_scratch);
}

template void multiply_panel(const GatheredRows<float>&, const Panel<float>&, bool, float*, std::size_t);
template void multiply_panel(const GatheredRows<double>&, const Panel<double>&, bool, double*, std::size_t);
template Panel<float> pack_panel(const float*, std::size_t, bool, std::size_t, std::size_t, float*);
template Panel<double> pack_panel(const double*, std::size_t, bool, std::size_t, std::size_t, double*);
template void multiply(bool, bool, std::size_t, std::size_t, std::size_t, const float*, std::size_t,
                       const float*, std::size_t, bool, float*, std::size_t, float*);
template void multiply(bool, bool, std::size_t, std::size_t, std::size_t, const double*, std::size_t,
                       const double*, std::size_t, bool, double*, std::size_t, double*);

template void multiply_packed(bool, std::size_t, std::size_t, std::size_t, const float*, std::size_t,
                              const float*, std::size_t, bool, float*, std::size_t, float*);
template void multiply_packed(bool, std::size_t, std::size_t, std::size_t, const double*, std::size_t,
                              const double*, std::size_t, bool, double*, std::size_t, double*);

}  // namespace duet
