#include <duet/ops/kernels/blas.hpp>

#include <cassert>
#include <limits>

// Before its header, which from version 0.21 on no longer includes it in time and would call no BLAS.
#include <xtensor-blas/xblas_config.hpp>

// The name that xtensor-blas calls must not be OpenBLAS's own: that would be linked with.
#define cblas_dgemm duet_cblas_dgemm
#include <xtensor-blas/xblas.hpp>
#undef cblas_dgemm

#include <duet/ops/kernels/blas_threads.hpp>
#include <duet/ops/kernels/openblas.hpp>

namespace {

auto* openblas_dgemm() {
    static auto* const dgemm = duet::openblas_function<decltype(duet_cblas_dgemm)>("cblas_dgemm");
    return dgemm;
}

}  // namespace

extern "C" void duet_cblas_dgemm(CBLAS_ORDER order, CBLAS_TRANSPOSE transpose_a, CBLAS_TRANSPOSE transpose_b,
                                 int m, int n, int k, double alpha, const double* a, int lda, const double* b,
                                 int ldb, double beta, double* c, int ldc) {
    openblas_dgemm()(order, transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

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

bool gemm(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const double* a,
          std::size_t lda, const double* b, std::size_t ldb, double beta, double* c, std::size_t ldc) {
    if (!openblas_dgemm()) return false;
    const SingleThreadedBlas single_threaded;
    cxxblas::gemm(cxxblas::RowMajor, to_blas(transpose_a), to_blas(transpose_b), to_blas(m), to_blas(n),
                  to_blas(k), 1.0, a, to_blas(lda), b, to_blas(ldb), beta, c, to_blas(ldc));
    return true;
}

const std::string& blas_kernel() {
    static const auto get = openblas_function<const char*()>("openblas_get_corename");
    static const std::string name = get ? get() : "none";
    return name;
}

}  // namespace duet
