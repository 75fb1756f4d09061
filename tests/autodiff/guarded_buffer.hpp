#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "../same_bits.hpp"

namespace duet {

/// A NaN of its own for each number below 2^20, so that a buffer shows what was never written.
template <class T>
T marked_nan(std::uint32_t mark) {
    return std::bit_cast<T>(std::bit_cast<BitsOf<T>>(std::numeric_limits<T>::quiet_NaN()) + mark);
}

/// Elements on a cache-line boundary, between two zones that nothing may write to.
template <class T>
class GuardedBuffer {
 public:
    explicit GuardedBuffer(std::size_t elements) : elements_(elements), memory_(elements + 2 * zone + line) {
        const std::size_t past = reinterpret_cast<std::uintptr_t>(memory_.data()) % (line * sizeof(T));
        begin_ = memory_.data() + zone + (line - past / sizeof(T));
        guard();
    }
    explicit GuardedBuffer(const std::vector<T>& values) : GuardedBuffer(values.size()) {
        std::copy(values.begin(), values.end(), begin_);
    }
    GuardedBuffer(GuardedBuffer&&) = default;
    GuardedBuffer(const GuardedBuffer&) = delete;
    GuardedBuffer& operator=(const GuardedBuffer&) = delete;

    T* data() { return begin_; }
    std::size_t size() const { return elements_; }
    std::vector<T> values() const { return {begin_, begin_ + elements_}; }
    void fill(T value) { std::fill_n(begin_, elements_, value); }
    /// True if all elements are still `value`.
    bool holds(T value) const {
        return std::all_of(begin_, begin_ + elements_, [=](T x) { return same_bits(x, value); });
    }
    /// True if nobody wrote to the zones since the last call.
    bool guarded() {
        const auto whole = [](const T* from, const T* to) {
            return std::all_of(from, to, [](T x) { return same_bits(x, marked_nan<T>(guard_mark)); });
        };
        if (whole(begin_ - zone, begin_) && whole(begin_ + elements_, begin_ + elements_ + zone)) return true;
        guard();
        return false;
    }

 private:
    static constexpr std::size_t zone = 128, line = 64 / sizeof(T);
    static constexpr std::uint32_t guard_mark = 0x6a4d;

    void guard() {
        std::fill(begin_ - zone, begin_, marked_nan<T>(guard_mark));
        std::fill_n(begin_ + elements_, zone, marked_nan<T>(guard_mark));
    }

    std::size_t elements_;
    std::vector<T> memory_;
    T* begin_;
};

}  // namespace duet
