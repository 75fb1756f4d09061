#pragma once

#include <cmath>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

namespace duet {

/// Converts numbers as a file holds them, little-endian and without alignment, to T, float or double: real
/// ones are rounded. Returns the first that T does not hold: an integer that would change, a finite number
/// that would be infinite. `target` takes one element for each.
template <class Stored, class T>
std::optional<Stored> copy_stored(std::span<const std::byte> data, T* target) {
    const std::size_t count = data.size() / sizeof(Stored);
    if constexpr (std::is_same_v<Stored, T>) {
        if (count > 0) std::memcpy(target, data.data(), count * sizeof(T));
        return std::nullopt;
    }
    for (std::size_t i = 0; i < count; ++i) {
        Stored stored = 0;
        std::memcpy(&stored, data.data() + i * sizeof(Stored), sizeof(Stored));
        target[i] = static_cast<T>(stored);
        bool held = false;
        if constexpr (std::is_integral_v<Stored>)
            held = target[i] < T(0x1p63) && static_cast<Stored>(target[i]) == stored;
        else
            held = !std::isinf(target[i]) || std::isinf(stored);
        if (!held) return stored;
    }
    return std::nullopt;
}

}  // namespace duet
