#pragma once

#include <cstddef>
#include <cstdint>

#include <duet/models/metrics/estimate.hpp>

namespace duet::models {

/// Uniform random directions of unit length, (count, width); the first ones do not depend on `count`. Normal
/// numbers of Philox4x32-10 by the method of Box and Muller, divided by their norm: the same bits on every
/// machine. Throws Error if `width` is 0.
Samples unit_directions(std::size_t count, std::size_t width, std::uint64_t seed);

}  // namespace duet::models
