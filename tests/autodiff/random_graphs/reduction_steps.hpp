#pragma once

#include "value_pool.hpp"

namespace duet::testing {

/// Steps of `random_step`.
RandomValue reduced(ValuePool& pool);
RandomValue statistics(ValuePool& pool);
RandomValue normalized(ValuePool& pool);
RandomValue affine(ValuePool& pool);
RandomValue classified(ValuePool& pool);

}  // namespace duet::testing
