#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <duet/graph/array.hpp>
#include <duet/graph/shape.hpp>

namespace duet::testing {

/// Random numbers that are the same on every platform.
class Dice {
 public:
    explicit Dice(std::uint64_t seed) : engine_(seed) {}

    /// In [0, 1).
    double fraction() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
    double between(double low, double high) { return low + (high - low) * fraction(); }
    bool chance(double probability) { return fraction() < probability; }
    /// A whole number below `count`, which is positive.
    std::size_t below(std::size_t count) { return engine_() % count; }
    std::size_t from(std::size_t first, std::size_t last) { return first + below(last - first + 1); }
    template <class T>
    T pick(const std::vector<T>& list) {
        return list[below(list.size())];
    }

 private:
    std::mt19937_64 engine_;
};

/// Uniform numbers in [low, high); with a step, those of low, low + step, ... that lie below high.
struct Range {
    double low, high, step = 0;
};

template <class T>
ArrayOf<T> drawn(Dice& dice, const Shape& shape, const Range& range);

}  // namespace duet::testing
