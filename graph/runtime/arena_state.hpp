#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include <duet/graph/runtime/arena.hpp>
#include <duet/graph/runtime/thread_pool.hpp>

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

/// The use of an arena by a run or by a compilation that makes it grow, for as long as it lives.
class ArenaUse {
 public:
    enum Kind : std::uint32_t { none, running, growing };

    /// Waits while the arena grows. Throws Error if a program is running on it.
    ArenaUse(std::atomic<std::uint32_t>& use, Kind kind);
    ~ArenaUse();
    ArenaUse(const ArenaUse&) = delete;
    ArenaUse& operator=(const ArenaUse&) = delete;

 private:
    std::atomic<std::uint32_t>& use_;
};

struct Arena::State {
    explicit State(std::size_t threads) : pool(threads), scratch(pool.threads()) {}

    /// Throws Error if a program is running on the arena.
    void reserve(std::size_t bytes, std::size_t scratch_bytes);

    ThreadPool pool;
    AlignedBytes memory;
    /// One a thread, for registers of fused elementwise work and for what kernels need while they run.
    std::vector<AlignedBytes> scratch;
    std::atomic<std::uint32_t> use = ArenaUse::none;
};

}  // namespace duet
