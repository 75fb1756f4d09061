#pragma once

#include <algorithm>
#include <limits>
#include <map>
#include <stdexcept>
#include <vector>

#include <duet/graph/graph.hpp>
#include <duet/graph/leaves.hpp>

namespace duet::testing {

/// Runs the op of one node, tile after tile (from the last to the first if `reversed`), into a buffer full of
/// NaN.
template <class T>
std::vector<T> run_op(const Op& op, const std::vector<Shape>& shapes, const Shape& output_shape,
                      const std::vector<const T*>& inputs, std::uint64_t draw = 0, bool reversed = false) {
    const Signature signature{shapes, output_shape};
    std::vector<T> output(output_shape.elements(), std::numeric_limits<T>::quiet_NaN());
    std::vector<T> workspace(op.workspace(signature));
    std::vector<T> scratch(op.scratch(signature), std::numeric_limits<T>::quiet_NaN());
    Kernel<T> kernel{shapes, output_shape, inputs, output.data(), workspace.data(), scratch.data(), 0, draw};
    const std::size_t tiles = op.tiles(signature);
    for (std::size_t i = 0; i < tiles; ++i) {
        kernel.tile = reversed ? tiles - 1 - i : i;
        op.run(kernel);
    }
    op.finish(kernel);
    return output;
}

template <class T>
using Feeds = std::map<NodeId, std::vector<T>>;

/// The value of a node, every node before it evaluated one by one: what a program must agree with.
template <class T>
std::vector<T> evaluate(const Tensor& target, Feeds<T> values = {}, std::uint64_t draw = 0) {
    const Graph& graph = target.graph();
    for (NodeId id = 0; id <= target.id(); ++id) {
        if (values.count(id)) continue;
        const Node& node = graph.node(id);
        if (const auto* constant = dynamic_cast<const ConstantOp*>(node.op.get())) {
            values[id].assign(constant->values().begin(), constant->values().end());
            continue;
        }
        std::vector<Shape> shapes;
        std::vector<const T*> inputs;
        for (const NodeId input : node.inputs) {
            shapes.push_back(graph.node(input).shape);
            inputs.push_back(values.at(input).data());
        }
        if (node.op->aliases()) {
            values[id] = values.at(node.inputs.front());
            continue;
        }
        values[id] = run_op<T>(*node.op, shapes, node.shape, inputs, draw);
    }
    return values.at(target.id());
}

}  // namespace duet::testing
