#include <duet/graph/runtime/thread_pool.hpp>

#include <algorithm>
#include <chrono>
#include <new>
#include <span>
#include <system_error>

#include <duet/graph/runtime/processor.hpp>

namespace duet {

namespace {

inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

}  // namespace

std::uint32_t ThreadPool::wait_while_equal(std::size_t thread, const std::atomic<std::uint32_t>& value,
                                           std::uint32_t old) {
    constexpr auto patience = std::chrono::microseconds(50);
    constexpr int spins_per_look_at_the_clock = 64;
    const auto start = std::chrono::steady_clock::now();
    do {
        for (int spin = 0; spin < spins_per_look_at_the_clock; ++spin) {
            const std::uint32_t seen = value.load(std::memory_order_acquire);
            if (seen != old) return seen;
            pause();
        }
    } while (std::chrono::steady_clock::now() - start < patience);
    for (;;) {
        value.wait(old, std::memory_order_acquire);
        spread(thread);
        const std::uint32_t seen = value.load(std::memory_order_acquire);
        if (seen != old) return seen;
    }
}

ThreadPool::ThreadPool(std::size_t threads) {
    if (threads > 1 && threads <= processors()) processors_ = std::vector<std::atomic<int>>(threads);
    workers_.reserve(std::max<std::size_t>(threads, 1) - 1);
    try {
        for (std::size_t thread = 1; thread < threads; ++thread)
            workers_.emplace_back([this, thread] { serve(thread); });
    } catch (const std::system_error&) {  // the system starts no more
    } catch (const std::bad_alloc&) {
    }
}

ThreadPool::~ThreadPool() {
    stopping_ = true;
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
}

void ThreadPool::run(Function function, void* context) {
    if (!workers_.empty()) {
        spread(0);
        function_ = function;
        context_ = context;
        running_.store(static_cast<std::uint32_t>(workers_.size()), std::memory_order_relaxed);
        round_.fetch_add(1, std::memory_order_release);
        round_.notify_all();
    }
    function(context, 0);
    for (std::uint32_t left = running_.load(std::memory_order_acquire); left != 0;)
        left = wait_while_equal(0, running_, left);
}

void ThreadPool::serve(std::size_t thread) {
    std::uint32_t round = 0;
    for (;;) {
        round = wait_while_equal(thread, round_, round);
        if (stopping_) return;
        spread(thread);
        function_(context_, thread);
        running_.fetch_sub(1, std::memory_order_release);
        running_.notify_all();
    }
}

void ThreadPool::spread(std::size_t thread) {
    if (processors_.empty()) return;
    const std::span<const std::atomic<int>> taken(processors_.data(), thread);
    int here = current_processor();
    if (std::find(taken.begin(), taken.end(), here) != taken.end()) {
        leave_processors(taken);
        here = current_processor();
    }
    if (processors_[thread] != here) processors_[thread] = here;
}

}  // namespace duet
