#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include <duet/graph/graph.hpp>

namespace duet {

/// One thing to check about an op's gradients and promises: at inputs of these shapes drawn from [low, high),
/// where it has no kinks. An op that is not differentiable is checked as a factor that stays constant.
struct OpCase {
    /// The class as its source names it.
    std::string op_class;
    std::string name;
    std::function<Tensor(Graph&, const std::vector<Tensor>&)> build;
    std::vector<Shape> input_shapes;
    double low, high;
};

/// At least one case for every op class in ops/, but for the exempt: those of op_cases.cpp and the lists
/// below.
const std::vector<OpCase>& op_cases();

/// Of what compares logits with classes.
std::vector<OpCase> classification_cases();
/// Of ops on images: (batch, channels, height, width).
std::vector<OpCase> image_cases();
/// Of ops that differ from another case's in one attribute, at inputs of the same shapes, and of ops that
/// absorb another.
std::vector<OpCase> variant_cases();

/// Cases so large that ops are cut into tiles, in each of the ways that they have. Too large to be
/// differentiated by differences.
std::vector<OpCase> tiled_cases();

ArrayOf<double> indices_of(std::initializer_list<double> values);

struct ExemptOp {
    std::string op_class, reason;
};

/// The op classes in ops/ that have no gradient to check.
const std::vector<ExemptOp>& exempt_ops();

}  // namespace duet
