#pragma once

#include "value_pool.hpp"

namespace duet::testing {

/// Steps of `random_step`.
RandomValue indexed(ValuePool& pool);
RandomValue moved(ValuePool& pool);

}  // namespace duet::testing
