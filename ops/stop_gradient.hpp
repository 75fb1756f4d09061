#pragma once

#include <duet/graph/tensor.hpp>

namespace duet {

/// The value of `x`, through which no gradient leads: the only cut that a tape does not report.
Tensor stop_gradient(Operand x);

}  // namespace duet
