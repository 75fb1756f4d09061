#include <duet/ops/kernels/blas_threads.hpp>

#include <cstddef>
#include <mutex>

#include <duet/ops/kernels/openblas.hpp>

namespace duet {

namespace {

// OpenBLAS's thread count is one for the process, so the count of those who need it set is too.
std::mutex mutex;
std::size_t guards = 0;
int threads_before = 1;

int blas_threads() {
    static int (*const get)() = openblas_function<int()>("openblas_get_num_threads");
    return get ? get() : 1;
}

void set_blas_threads(int threads) {
    static void (*const set)(int) = openblas_function<void(int)>("openblas_set_num_threads");
    if (set) set(threads);
}

}  // namespace

SingleThreadedBlas::SingleThreadedBlas() {
    const std::lock_guard lock(mutex);
    if (guards == 0) {
        threads_before = blas_threads();
        set_blas_threads(1);
    }
    ++guards;
}

SingleThreadedBlas::~SingleThreadedBlas() {
    const std::lock_guard lock(mutex);
    if (--guards == 0 && blas_threads() == 1) set_blas_threads(threads_before);
}

}  // namespace duet
