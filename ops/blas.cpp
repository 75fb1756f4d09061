#include <duet/ops/blas.hpp>

#include <algorithm>
#include <cassert>
#include <limits>

#include <xtensor-blas/xblas.hpp>

namespace duet {

namespace {

constexpr std::size_t most_tiles = 32;
/// Products that are not worth cutting.
constexpr double too_small = 0.3e6;
/// Below this many terms a sum gains nothing from a transposed b that is not packed.
constexpr std::size_t short_sum = 256;

xt::blas_index_t to_blas(std::size_t extent) {
    assert(extent <= static_cast<std::size_t>(std::numeric_limits<xt::blas_index_t>::max()));
    return static_cast<xt::blas_index_t>(extent);
}

cxxblas::Transpose to_blas(bool transpose) {
    return transpose ? cxxblas::Trans : cxxblas::NoTrans;
}

template <class T>
void multiply(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const T* a,
              std::size_t lda, const T* b, std::size_t ldb, T beta, T* c, std::size_t ldc) {
    cxxblas::gemm(cxxblas::RowMajor, to_blas(transpose_a), to_blas(transpose_b), to_blas(m), to_blas(n),
                  to_blas(k), T(1), a, to_blas(lda), b, to_blas(ldb), beta, c, to_blas(ldc));
}

std::size_t ceil_divide(std::size_t a, std::size_t b) {
    return (a + b - 1) / b;
}

bool multiplies_small_matrices_unpacked() {
    static const bool does =
        blas_kernel() == "SkylakeX" || blas_kernel() == "Cooperlake" || blas_kernel() == "SapphireRapids";
    return does;
}

// Cuts `extent` into tiles of at most `largest`, an even number of them so that two threads share them
// evenly. No tiles if that needs too many, or tiles narrower than the unit.
GemmSplit cut(bool by_rows, std::size_t extent, std::size_t largest, std::size_t unit) {
    const std::size_t units = ceil_divide(extent, unit);
    GemmSplit split{by_rows, 0, extent, unit};
    if (largest < unit || units < 2) return split;
    const std::size_t tiles = ceil_divide(units, largest / unit);
    const std::size_t even = std::min(tiles + tiles % 2, units);
    if (even <= most_tiles) split.tiles = std::max<std::size_t>(even, 2);
    return split;
}

// The limits are those of OpenBLAS's sgemm_small_kernel_permit for AVX-512; short sums of a transposed b, and
// few rows of a transposed a, gain nothing by it.
GemmSplit split_into_unpacked(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n,
                              std::size_t k) {
    constexpr std::size_t most_products = 1000000;
    constexpr std::size_t most_results = 1200;
    std::size_t rows = most_products / n / k, columns = most_products / m / k;
    if (transpose_b) {
        if (k < short_sum) return {true, 0, m, 4};
        rows = std::min(rows, most_results / n);
        columns = std::min(columns, most_results / m);
    }
    const GemmSplit by_rows = cut(true, m, rows, 4);
    const GemmSplit by_columns = cut(false, n, columns, 16);
    const bool thin = transpose_a && rows < 16;
    return by_rows.tiles == 0 || thin ? by_columns : by_rows;
}

// Packing the shared operand again costs about this many rows (columns) of the product a tile.
GemmSplit split_packed(bool transpose_b, std::size_t m, std::size_t n) {
    constexpr std::size_t unit = 16;
    constexpr double worth = 0.03, bearable = 0.12;
    const double row_cost = (transpose_b ? 9.0 : 5.0) / static_cast<double>(m);
    const double column_cost = 5.0 / static_cast<double>(n);
    const bool by_rows = row_cost <= column_cost + 0.002;
    const std::size_t extent = by_rows ? m : n;
    const double cost = by_rows ? row_cost : column_cost;
    for (const std::size_t tiles : {8, 4})
        if (static_cast<double>(tiles - 1) * cost <= worth) return {by_rows, tiles, extent, unit};
    return {by_rows, cost <= bearable ? 2U : 1U, extent, unit};
}

}  // namespace

void gemm(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const float* a,
          std::size_t lda, const float* b, std::size_t ldb, float beta, float* c, std::size_t ldc) {
    multiply(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
}
void gemm(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const double* a,
          std::size_t lda, const double* b, std::size_t ldb, double beta, double* c, std::size_t ldc) {
    multiply(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
}

std::size_t GemmSplit::begin(std::size_t tile) const {
    const std::size_t units = ceil_divide(extent, unit);
    return std::min(extent, units * tile / tiles * unit);
}

bool prefers_plain_b(std::size_t m, std::size_t n, std::size_t k) {
    constexpr std::size_t fewest_rows = 32;
    const double products = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
    return multiplies_small_matrices_unpacked() && k < short_sum && m >= fewest_rows && products >= too_small;
}

GemmSplit split_gemm(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k) {
    const double products = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
    if (k == 1) {
        constexpr std::size_t unit = 8, worth_a_tile = 4096, most = 8;
        return {true, std::clamp<std::size_t>(m * n / worth_a_tile, 1, std::min(most, ceil_divide(m, unit))),
                m, unit};
    }
    if (products < too_small) return {true, 1, m, 1};
    if (multiplies_small_matrices_unpacked()) {
        const GemmSplit unpacked = split_into_unpacked(transpose_a, transpose_b, m, n, k);
        if (unpacked.tiles > 0) return unpacked;
    }
    return split_packed(transpose_b, m, n);
}

}  // namespace duet
