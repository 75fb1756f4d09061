#pragma once

#include <duet/graph/tensor.hpp>
#include <duet/ops/shape_rules.hpp>

namespace duet {

struct MeanAndVariance {
    Tensor mean;
    /// The mean of the squared deviations from the mean: biased, divided by the number of terms.
    Tensor variance;
};

/// Mean and variance of `x` over `axes`, or over all when none is named, in one pass over memory. The reduced
/// axes go away; those that stay must be adjacent. The variance adds squared deviations from the mean, so it
/// keeps its precision where the mean is large beside it; its gradient is 2 (x - mean) / n. Terms are added
/// in an order that depends on the shape alone. Negative axes count from the end. Throws ShapeError for an
/// axis that the tensor does not have or that is named twice, and if the axes that stay are not adjacent.
MeanAndVariance moments(Operand x, const Axes& axes = {});

}  // namespace duet
