#pragma once

#include "value_pool.hpp"

namespace duet::testing {

/// Made of `x` by a chain whose elements are in [0.3, 1.7].
Tensor positive(ValuePool& pool, const Tensor& x);
/// `value` brought about levels that lie 1 apart, so that its elements are at least 0.3 from the middles
/// between levels: from 0, 1 and -1 for an even number of them.
Tensor apart(ValuePool& pool, const Tensor& value, std::size_t levels);

/// Steps of `random_step`.
RandomValue smooth(ValuePool& pool);
RandomValue kinked(ValuePool& pool);
RandomValue compared(ValuePool& pool);
RandomValue binary(ValuePool& pool);
/// A sum of many terms, one after another or as a random tree.
RandomValue many_terms(ValuePool& pool);
RandomValue noisy(ValuePool& pool);
RandomValue stopped(ValuePool& pool);

}  // namespace duet::testing
