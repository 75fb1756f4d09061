#include <duet/graph/thread_pool.hpp>

#include <algorithm>
#include <chrono>

namespace duet {

namespace {

inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

}  // namespace

std::uint32_t wait_while_equal(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
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
        const std::uint32_t seen = value.load(std::memory_order_acquire);
        if (seen != old) return seen;
    }
}

ThreadPool::ThreadPool(std::size_t threads) {
    for (std::size_t thread = 1; thread < threads; ++thread)
        workers_.emplace_back([this, thread] { serve(thread); });
}

ThreadPool::~ThreadPool() {
    stopping_ = true;
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
}

void ThreadPool::run(Function function, void* context) {
    if (!workers_.empty()) {
        function_ = function;
        context_ = context;
        running_.store(static_cast<std::uint32_t>(workers_.size()), std::memory_order_relaxed);
        round_.fetch_add(1, std::memory_order_release);
        round_.notify_all();
    }
    function(context, 0);
    for (std::uint32_t left = running_.load(std::memory_order_acquire); left != 0;)
        left = wait_while_equal(running_, left);
}

void ThreadPool::serve(std::size_t thread) {
    std::uint32_t round = 0;
    for (;;) {
        round = wait_while_equal(round_, round);
        if (stopping_) return;
        function_(context_, thread);
        running_.fetch_sub(1, std::memory_order_release);
        running_.notify_all();
    }
}

}  // namespace duet
