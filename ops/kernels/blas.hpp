#pragma once

#include <cstddef>
#include <string>

namespace duet {

/// c = op(a) op(b) + beta c in dense row-major storage, with op(a) of m x k and op(b) of k x n: op transposes
/// where the flag is set, so that `a` is then stored as k x m and `b` as n x k. `lda`, `ldb`, `ldc` are the
/// elements from one stored row to the next. With beta 0, c is written without being read. No extent may
/// exceed what BLAS counts with (2^31 - 1); c must not overlap a or b. Runs on the calling thread alone
/// (SingleThreadedBlas). False, and nothing is done, where there is no OpenBLAS.
bool gemm(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const double* a,
          std::size_t lda, const double* b, std::size_t ldb, double beta, double* c, std::size_t ldc);

/// The name of the kernel set OpenBLAS chose for this processor, such as "SkylakeX"; "none" where there is no
/// OpenBLAS. Products in float64 are
/// the same bits on machines where it is the same; those in float32 do not depend on it (see
/// panel_product.hpp).
const std::string& blas_kernel();

}  // namespace duet
