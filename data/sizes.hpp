#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace duet {

/// Deflate's largest ratio: n bytes hold no more than 1032 n bytes of what was packed.
inline constexpr std::uint64_t largest_deflate_ratio = 1032;

/// The product of an array's sizes as found in a file; 1 if there are none. Nothing if there are more than 32
/// sizes, or if the product, with zeros left out, exceeds 2^48: then even an array without elements could not
/// be described, as its strides would overflow.
std::optional<std::uint64_t> checked_element_count(std::span<const std::size_t> sizes);

/// The sizes for a message, "3, 4"; all but the first 8 are left out as "...".
std::string join_sizes(std::span<const std::size_t> sizes);

}  // namespace duet
