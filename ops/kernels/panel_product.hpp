#pragma once

#include <cstddef>

#include <duet/ops/kernels/vector_registers.hpp>

namespace duet {

/// Columns of a whole panel: what the inner loop keeps in registers, beside `panel_rows` rows.
template <class T>
constexpr std::size_t panel_columns = (vector_register_bytes == 64 ? 4 : 2) * vector_register_bytes /
                                      sizeof(T);
/// The inner loop is fastest for multiples of this many rows.
constexpr std::size_t panel_rows = 6;
/// Terms of a sum that are best taken at a time: the longer, the seldomer sums are loaded and stored, while a
/// panel comes fast enough from the second level of cache.
constexpr std::size_t panel_terms = vector_register_bytes == 64 ? 512 : 256;

/// Rows of elements that need not stand in order: element (i, k) is elements[rows[i] + terms[k]]. A matrix, a
/// transposed matrix, and the patches of an image that a convolution multiplies by are all of this form.
template <class T>
struct GatheredRows {
    const T* elements;
    /// Where each of the `row_count` rows begins.
    const std::size_t* rows;
    std::size_t row_count;
    /// From there to each of the `term_count` terms.
    const std::size_t* terms;
    std::size_t term_count;
};

/// Some columns of a matrix, at most `panel_columns`: element (k, j) is elements[k * stride + j]. Elements up
/// to the next multiple of a register's are read behind each row, whatever they are.
template <class T>
struct Panel {
    const T* elements;
    std::size_t stride;
    std::size_t columns;
};

/// output[i * output_stride + j] = sum over k of a(i, k) b(k, j), added to what stands there if `accumulate`.
///
/// Each element is one chain of fused multiply-adds, beginning with what stands there or 0, its terms in the
/// order of k. So its bits depend on its own terms alone: neither on how a product is cut into panels, rows
/// and pieces of the sum, nor on the width of vector registers. (A processor without fused multiply-add gives
/// other bits, each product being rounded.)
template <class T>
void multiply_panel(const GatheredRows<T>& a, const Panel<T>& b, bool accumulate, T* output,
                    std::size_t output_stride);

/// Elements that `pack_panel` writes.
template <class T>
constexpr std::size_t packed_elements(std::size_t terms) {
    return terms * panel_columns<T>;
}

/// Copies `terms` rows of `columns` elements of a matrix of that row stride, or, with `transposed`, `columns`
/// rows of `terms` elements, into a panel's own memory, where they are read faster, and from it with zeros
/// behind short rows.
template <class T>
Panel<T> pack_panel(const T* from, std::size_t stride, bool transposed, std::size_t terms,
                    std::size_t columns, T* packed);

/// Rows of the first operand that are taken at a time, and the elements from one to the next where they are
/// copied together.
constexpr std::size_t gathered_rows = 128, gathered_stride = panel_terms + 16;
/// Elements of scratch memory, of either element type, for a packed panel; for a product, which has a panel
/// in front and behind it the rows that were copied together. A thread's stack may be too small for them.
constexpr std::size_t panel_scratch = packed_elements<float>(panel_terms);
constexpr std::size_t product_scratch = panel_scratch + gathered_rows * gathered_stride;

/// output = op(a) op(b), added to what stands there if `accumulate`: as `gemm` (ops/kernels/blas.hpp), with
/// the bits that `multiply_panel` promises.
template <class T>
void multiply(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const T* a,
              std::size_t lda, const T* b, std::size_t ldb, bool accumulate, T* output, std::size_t ldc,
              T* scratch);

/// The same by a b that is laid out in panels of `width` columns, a multiple of `panel_columns`, one after
/// the other: element (i, j) of b is panels[(j / width * k + i) * width + j % width].
template <class T>
void multiply_packed(bool transpose_a, std::size_t m, std::size_t n, std::size_t k, const T* a,
                     std::size_t lda, const T* panels, std::size_t width, bool accumulate, T* output,
                     std::size_t ldc, T* scratch);

}  // namespace duet
