#include <duet/models/metrics/symmetric_eigen.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/ops/kernels/blas_threads.hpp>
#include <duet/ops/kernels/openblas.hpp>

namespace duet::models {

namespace {

// Fortran takes the lengths of its character arguments last.
using Dsyevd = void(const char* job, const char* triangle, const int* d, double* matrix, const int* stride,
                    double* values, double* work, const int* work_size, int* integer_work,
                    const int* integer_work_size, int* info, std::size_t, std::size_t);
using Dpstrf = void(const char* triangle, const int* d, double* matrix, const int* stride, int* order,
                    int* rank, const double* tolerance, double* work, int* info, std::size_t);

/// LAPACK counts columns first: our upper triangle is its lower one.
constexpr const char* upper = "L";

template <class Function>
Function* lapack(const char* name) {
    if (Function* const function = openblas_function<Function>(name)) return function;
    throw Error(
        fmt::format("{} is not on this machine, which eigenvalues need: install OpenBLAS with LAPACK "
                    "(Debian package libopenblas0-pthread)",
                    name));
}

/// OpenBLAS that was built without threads promises nothing to those that call it from several.
std::unique_lock<std::mutex> lock_unless_reentrant() {
    static std::mutex mutex;
    static int (*const parallel)() = openblas_function<int()>("openblas_get_parallel");
    static const bool reentrant = parallel && parallel() != 0;
    return reentrant ? std::unique_lock<std::mutex>() : std::unique_lock(mutex);
}

int checked_extent(std::size_t d, const double* matrix) {
    if (d > 46'000) throw Error(fmt::format("a matrix of {} rows is too large for LAPACK", d));
    for (std::size_t i = 0; i < d; ++i) {
        const double* const row = matrix + i * d;
        if (!std::all_of(row + i, row + d, [](double element) { return std::isfinite(element); }))
            throw Error(
                fmt::format("row {} of a {} x {} matrix holds a value that is not finite: the samples"
                            " are too large to be squared",
                            i, d, d));
    }
    return static_cast<int>(d);
}

}  // namespace

std::vector<double> symmetric_eigenvalues(std::size_t d, double* matrix) {
    std::vector<double> values(d);
    if (d == 0) return values;
    const int extent = checked_extent(d, matrix);
    static Dsyevd* const dsyevd = lapack<Dsyevd>("dsyevd_");
    const SingleThreadedBlas single_threaded;
    const auto lock = lock_unless_reentrant();
    int info = 0, integer_work = 0;
    const int query = -1, integer_work_size = 1;
    double best_size = 0;
    dsyevd("N", upper, &extent, matrix, &extent, values.data(), &best_size, &query, &integer_work, &query,
           &info, 1, 1);
    const int work_size = static_cast<int>(best_size);
    std::vector<double> work(static_cast<std::size_t>(work_size));
    dsyevd("N", upper, &extent, matrix, &extent, values.data(), work.data(), &work_size, &integer_work,
           &integer_work_size, &info, 1, 1);
    if (info != 0) throw Error(fmt::format("the eigenvalues of a {} x {} matrix do not converge", d, d));
    return values;
}

SymmetricFactor factor_symmetric(std::size_t d, double* matrix) {
    SymmetricFactor factor{0, std::vector<std::size_t>(d)};
    if (d == 0) return factor;
    const int extent = checked_extent(d, matrix);
    static Dpstrf* const dpstrf = lapack<Dpstrf>("dpstrf_");
    const SingleThreadedBlas single_threaded;
    const auto lock = lock_unless_reentrant();
    std::vector<int> order(d);
    std::vector<double> work(2 * d);
    int rank = 0, info = 0;
    double largest = 0;
    for (std::size_t i = 0; i < d; ++i) largest = std::max(largest, matrix[i * d + i]);
    const double tolerance = static_cast<double>(d) * std::numeric_limits<double>::epsilon() * largest;
    if (largest > 0)
        dpstrf(upper, &extent, matrix, &extent, order.data(), &rank, &tolerance, work.data(), &info, 1);
    factor.rank = static_cast<std::size_t>(rank);
    for (std::size_t i = 0; i < d; ++i)
        factor.order[i] = largest > 0 ? static_cast<std::size_t>(order[i] - 1) : i;
    for (std::size_t i = 1; i < factor.rank; ++i) std::fill_n(matrix + i * d, i, 0.0);
    return factor;
}

}  // namespace duet::models
