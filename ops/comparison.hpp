#pragma once

#include <duet/graph/tensor.hpp>

namespace duet {

/// Elementwise comparisons: 1 where they hold and 0 where not, in the element type; with NaN none of them
/// holds. Arguments are broadcast as in arithmetic. No gradient leads through them.
Tensor greater(Operand a, Operand b);
Tensor greater_equal(Operand a, Operand b);
Tensor less(Operand a, Operand b);
Tensor less_equal(Operand a, Operand b);
Tensor equal(Operand a, Operand b);

/// `a` where `condition` is not 0 and `b` elsewhere, broadcast as in arithmetic. What is not chosen gets a
/// gradient of 0, whatever its value; but where it was made with an infinite slope, as sqrt at 0 is, 0 times
/// infinity is NaN, as in PyTorch: choose the argument as well, `where(c, sqrt(where(c, x, 1.0)), 0.0)`. No
/// gradient leads through the condition.
Tensor where(Operand condition, Operand a, Operand b);

}  // namespace duet
