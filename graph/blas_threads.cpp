#include <duet/graph/blas_threads.hpp>

#include <cstddef>
#include <mutex>

#include <cblas.h>

namespace duet {

namespace {

// OpenBLAS's thread count is one for the process, so the count of those who need it set is too.
std::mutex mutex;
std::size_t guards = 0;
int threads_before = 1;

}  // namespace

SingleThreadedBlas::SingleThreadedBlas() {
    const std::lock_guard lock(mutex);
    if (guards++ > 0) return;
    threads_before = openblas_get_num_threads();
    openblas_set_num_threads(1);
}

SingleThreadedBlas::~SingleThreadedBlas() {
    const std::lock_guard lock(mutex);
    if (--guards == 0) openblas_set_num_threads(threads_before);
}

}  // namespace duet
