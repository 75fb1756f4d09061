#pragma once

#include "value_pool.hpp"

namespace duet::testing {

/// Makes a value of others by a random op of the vocabulary, or a few ops; nothing where what was drawn is
/// too large. Values stay near order 1 and away from kinks.
RandomValue random_step(ValuePool& pool);

}  // namespace duet::testing
