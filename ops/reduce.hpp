#pragma once

#include <duet/graph/tensor.hpp>
#include <duet/ops/shape_rules.hpp>

namespace duet {

/// Reductions over some axes, or over all when none is named. The reduced axes go away, or stay with an
/// extent of 1 if `keep_axes`. All throw ShapeError for an axis that the tensor does not have or that is
/// named twice; negative axes count from the end.
///
/// Terms are added in an order that depends on the shape alone: in short runs of parallel lanes, whose
/// results are added pairwise, so the rounding error grows with the logarithm of their number.

Tensor sum(Operand x, const Axes& axes = {}, bool keep_axes = false);

/// The sum divided by the number of terms.
Tensor mean(Operand x, const Axes& axes = {}, bool keep_axes = false);

/// The largest element; NaN if one of them is, and so is then the gradient with regard to each. Elements that
/// tie for it get equal shares of the gradient.
Tensor max(Operand x, const Axes& axes = {}, bool keep_axes = false);

/// log(sum(exp(x))), without overflow: m + log(sum(exp(x - m))) for the maximum m. Minus infinity where all
/// elements are, of gradient 0 there, as in PyTorch.
Tensor logsumexp(Operand x, const Axes& axes = {}, bool keep_axes = false);

}  // namespace duet
