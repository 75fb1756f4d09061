#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <duet/graph/array.hpp>
#include <duet/graph/graph.hpp>
#include <duet/graph/shape.hpp>

namespace duet {

struct GradientCheckOptions {
    /// 1 checks gradients, 2 the gradients of gradients too.
    int order = 2;
    /// The step of the central differences, along directions whose elements lie in [-1, 1]. No input may have
    /// a kink within it.
    double epsilon = 1e-5;
    /// The relative difference allowed, beside what rounding makes of the differences.
    double tolerance = 1e-6;
    /// Decides directions and weights.
    std::uint64_t seed = 0;
};

struct GradientCheckReport {
    bool passed = true;
    /// The first failure: the op, the order, the input or inputs, the analytic and the numeric value, and the
    /// values of all inputs. Empty if the check passed.
    std::string message;
    /// How many derivatives were compared. Zero if no gradient path leads from any input to the output.
    std::size_t comparisons = 0;
};

/// Builds what is to be checked from its inputs, and returns it.
using CheckedFunction = std::function<Tensor(Graph&, const std::vector<Tensor>&)>;

/// Compares gradients with central differences in float64. `function` is made a scalar by random weights on
/// each element of its result and of its square. The derivative of that scalar along a random direction of
/// each input is compared; then the derivative of each of those along another direction of each input, where
/// a missing path counts as zero and must be zero. Inputs from which no gradient path leads to the result,
/// such as indices, are left as they are. A GradientError, such as a missing rule, fails the check. Throws
/// what `function` and `compile` throw otherwise.
GradientCheckReport check_gradients(const CheckedFunction& function,
                                    const std::vector<ArrayOf<double>>& inputs,
                                    const GradientCheckOptions& options = {});

/// The same at inputs of these shapes whose elements are drawn uniformly from [low, high) by the options'
/// seed.
GradientCheckReport check_gradients(const CheckedFunction& function, const std::vector<Shape>& shapes,
                                    double low, double high, const GradientCheckOptions& options = {});

}  // namespace duet
