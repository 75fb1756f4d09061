#pragma once

#include "value_pool.hpp"

namespace duet::testing {

/// Steps of `random_step`.
RandomValue product(ValuePool& pool);
/// A product of few terms an element, rather a large one.
RandomValue thin_product(ValuePool& pool);
/// The mean error of a product or a convolution, as an evaluation measures it.
RandomValue error(ValuePool& pool);

}  // namespace duet::testing
