#pragma once

#include <cstddef>
#include <memory>

#include <duet/graph/runtime/thread_pool.hpp>

namespace duet {

/// The memory and the threads that programs of one training share. A program keeps its intermediate values
/// here while it runs; two programs compiled with one arena therefore cannot run at the same time (an Error),
/// and need no more memory than the larger of them. It grows in compile alone. Copies are handles on the same
/// arena.
class Arena {
 public:
    /// `threads` work on each run, the caller among them; fewer, as `threads()` tells, where the system
    /// starts no more. Results do not depend on their number.
    explicit Arena(std::size_t threads = 1);

    std::size_t threads() const;
    /// Bytes held for intermediate values.
    std::size_t bytes() const;

    /// Calls `work(thread)` once on each of the arena's threads, 0 .. threads()-1, and returns when all have;
    /// for what is done between runs. `work` must not throw.
    template <class Work>
    void for_each_thread(Work&& work) const {
        pool().run(work);
    }

    struct State;
    State& state() const { return *state_; }

 private:
    ThreadPool& pool() const;

    std::shared_ptr<State> state_;
};

}  // namespace duet
