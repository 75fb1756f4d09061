#pragma once

#include <atomic>
#include <cstddef>
#include <new>
#include <vector>

#include <duet/graph/arena.hpp>
#include <duet/graph/thread_pool.hpp>

namespace duet {

/// Every buffer starts on a cache line.
inline constexpr std::size_t buffer_alignment = 64;

inline constexpr std::size_t aligned_to_buffer(std::size_t bytes) {
    return (bytes + buffer_alignment - 1) / buffer_alignment * buffer_alignment;
}

/// Uninitialised bytes on a cache-line boundary.
class AlignedBytes {
 public:
    AlignedBytes() = default;
    explicit AlignedBytes(std::size_t size)
        : data_(static_cast<std::byte*>(::operator new (size, std::align_val_t{buffer_alignment}))),
          size_(size) {}

    std::byte* data() const { return data_.get(); }
    std::size_t size() const { return size_; }

 private:
    struct Free {
        void operator()(std::byte* data) const {
            ::operator delete (data, std::align_val_t{buffer_alignment});
        }
    };
    std::unique_ptr<std::byte, Free> data_;
    std::size_t size_ = 0;
};

struct Arena::State {
    explicit State(std::size_t threads) : pool(threads), scratch(pool.threads()) {}

    void reserve(std::size_t bytes, std::size_t scratch_bytes) {
        if (memory.size() < bytes) memory = AlignedBytes(bytes);
        for (AlignedBytes& each : scratch)
            if (each.size() < scratch_bytes) each = AlignedBytes(scratch_bytes);
    }

    ThreadPool pool;
    AlignedBytes memory;
    /// One a thread, for registers of fused elementwise work and for what kernels need while they run.
    std::vector<AlignedBytes> scratch;
    std::atomic<bool> running = false;
};

}  // namespace duet
