#pragma once

#include <cstddef>
#include <cstdint>

#include "compared_programs.hpp"

namespace duet::testing {

/// A random graph of the whole vocabulary: at most `most_steps` values, each made of earlier ones by an op or
/// a few, then losses, gradients to second order and updates. Shapes reach from one element to some 50,000.
/// Values stay near order 1 and away from kinks, so that rounding moves few of them much.
GraphCase random_graph(std::uint64_t seed, std::size_t most_steps);

}  // namespace duet::testing
