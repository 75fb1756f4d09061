#include <duet/ops/blas.hpp>

#include <cassert>
#include <limits>

#include <xtensor-blas/xblas.hpp>

namespace duet {

namespace {

xt::blas_index_t to_blas(std::size_t extent) {
    assert(extent <= static_cast<std::size_t>(std::numeric_limits<xt::blas_index_t>::max()));
    return static_cast<xt::blas_index_t>(extent);
}

cxxblas::Transpose to_blas(bool transpose) {
    return transpose ? cxxblas::Trans : cxxblas::NoTrans;
}

}  // namespace

void gemm(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const double* a,
          std::size_t lda, const double* b, std::size_t ldb, double beta, double* c, std::size_t ldc) {
    cxxblas::gemm(cxxblas::RowMajor, to_blas(transpose_a), to_blas(transpose_b), to_blas(m), to_blas(n),
                  to_blas(k), 1.0, a, to_blas(lda), b, to_blas(ldb), beta, c, to_blas(ldc));
}

}  // namespace duet
