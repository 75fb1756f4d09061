#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <duet/graph/runtime/thread_pool.hpp>

namespace duet::bench {

/// Matrix products of threads that share nothing and stay in the first level of cache: how much faster than
/// one thread two of them are is what the machine grants at that moment. A host that has both threads on one
/// core grants nothing.
class UnsharedProducts {
 public:
    explicit UnsharedProducts(std::size_t threads);
    void run();
    /// Of a run.
    double flops() const;

 private:
    std::unique_ptr<ThreadPool> pool_;
    std::vector<std::vector<float>> operands_;
};

}  // namespace duet::bench
