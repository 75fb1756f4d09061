#pragma once

#include <cstddef>
#include <string>

namespace duet {

/// c = op(a) op(b) + beta c in dense row-major storage, with op(a) of m x k and op(b) of k x n: op transposes
/// where the flag is set, so that `a` is then stored as k x m and `b` as n x k. `lda`, `ldb`, `ldc` are the
/// elements from one stored row to the next. With beta 0, c is written without being read. No extent may
/// exceed what BLAS counts with (2^31 - 1); c must not overlap a or b. Runs on the calling thread if a
/// SingleThreadedBlas lives.
void gemm(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const float* a,
          std::size_t lda, const float* b, std::size_t ldb, float beta, float* c, std::size_t ldc);
void gemm(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const double* a,
          std::size_t lda, const double* b, std::size_t ldb, double beta, double* c, std::size_t ldc);

/// The name of the kernel set OpenBLAS chose for this processor, such as "SkylakeX". Results are the same
/// bits on machines where it is the same.
const std::string& blas_kernel();

/// How a matrix product is cut into single calls: along the rows or the columns of the result.
struct GemmSplit {
    bool by_rows;
    std::size_t tiles;
    /// The rows or columns of the result, and of which multiple a tile has (the last one may have fewer).
    std::size_t extent;
    std::size_t unit;

    /// The first row or column of a tile; that of tile `tiles` is the extent.
    std::size_t begin(std::size_t tile) const;
};

/// True if the kernel in force multiplies by a transposed b so much slower than by a plain one that
/// transposing b first, n x k elements, is soon paid for. A function of the shape and the kernel's name
/// alone.
bool prefers_plain_b(std::size_t m, std::size_t n, std::size_t k);

/// The cut of a product, of at most 32 tiles: a function of its shape and of the BLAS kernel's name, so that
/// its result does not depend on the number of threads.
///
/// Each call packs the operand that the tiles share again, so cutting costs time in proportion to 1 / extent:
/// the axis and the count are those that measure least. OpenBLAS's AVX-512 kernel sets multiply up to 100^3
/// elements without packing, which is faster; where 32 tiles bring a product under that limit they are taken.
GemmSplit split_gemm(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k);

}  // namespace duet
