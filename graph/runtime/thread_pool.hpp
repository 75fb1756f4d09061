#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

namespace duet {

/// A fixed crew of threads that all run the same function at once. Idle threads spin for at most 50
/// microseconds and then sleep, so a pool that waits costs no processor time.
///
/// A system may wake a thread on the processor of the one that woke it, though another is idle, and leave
/// both there: each then sleeps while the other runs. So a thread that finds itself on the processor of a
/// lower-numbered one moves off it, where there are processors for all.
class ThreadPool {
 public:
    /// `threads` counts the caller of `run`: a pool of one starts no thread. Zero counts as one. Where the
    /// system starts no more threads, for lack of memory or beyond a limit, the crew is smaller: `threads()`.
    explicit ThreadPool(std::size_t threads);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    std::size_t threads() const { return workers_.size() + 1; }

    /// Calls `work(thread)` once for every thread number 0 .. threads-1, number 0 on the calling thread, and
    /// returns when all have. `work` must not throw.
    template <class Work>
    void run(Work&& work) {
        using Called = std::remove_reference_t<Work>;
        run([](void* context, std::size_t thread) { (*static_cast<Called*>(context))(thread); },
            const_cast<std::remove_const_t<Called>*>(&work));
    }

    /// For thread number `thread` of the pool: returns when `value` differs from `old`, having spun for at
    /// most 50 microseconds and slept after that; the thread that changes the value must call notify_all on
    /// it. Returns the value seen.
    std::uint32_t wait_while_equal(std::size_t thread, const std::atomic<std::uint32_t>& value,
                                   std::uint32_t old);

 private:
    using Function = void (*)(void* context, std::size_t thread);
    void run(Function function, void* context);
    void serve(std::size_t thread);
    void spread(std::size_t thread);

    /// The processor each thread was last seen on; empty where threads are not spread.
    std::vector<std::atomic<int>> processors_;
    std::vector<std::jthread> workers_;
    Function function_ = nullptr;
    void* context_ = nullptr;
    std::atomic<bool> stopping_ = false;
    alignas(64) std::atomic<std::uint32_t> round_ = 0;
    alignas(64) std::atomic<std::uint32_t> running_ = 0;
};

}  // namespace duet
