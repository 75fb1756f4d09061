#pragma once

#include <cstdint>
#include <string_view>

namespace duet {

/// The 64-bit FNV-1a hash, of the text that made `value` and this one behind it.
constexpr std::uint64_t hash(std::string_view text, std::uint64_t value = 0xcbf29ce484222325U) {
    for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return value;
}

}  // namespace duet
