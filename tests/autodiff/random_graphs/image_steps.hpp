#pragma once

#include "value_pool.hpp"

namespace duet::testing {

/// Steps of `random_step` on images, (batch, channels, height, width).
RandomValue convolved(ValuePool& pool);
RandomValue pooled(ValuePool& pool);
RandomValue resampled(ValuePool& pool);

}  // namespace duet::testing
