#pragma once

#include <functional>
#include <string>
#include <vector>

#include <duet/graph/graph.hpp>

namespace duet {

/// One thing to check about an op's gradients: at inputs of these shapes drawn from [low, high), where it has
/// no kinks. An op that is not differentiable is checked as a factor that stays constant.
struct OpCase {
    /// The class as its source names it.
    std::string op_class;
    std::string name;
    std::function<Tensor(Graph&, const std::vector<Tensor>&)> build;
    std::vector<Shape> input_shapes;
    double low, high;
};

/// At least one case for every op class in ops/, but for the exempt.
const std::vector<OpCase>& op_cases();

struct ExemptOp {
    std::string op_class, reason;
};

/// The op classes in ops/ that have no gradient to check.
const std::vector<ExemptOp>& exempt_ops();

}  // namespace duet
