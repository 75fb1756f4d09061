#include "rounding_noise.hpp"

#include <random>

#include <duet/graph/leaves.hpp>
#include <duet/graph/op.hpp>

namespace duet::testing {

namespace {

/// Multiplies each element by 1 and half a unit in the last place of float, or a part of it, up or down.
class RoundingNoise final : public OpOf<RoundingNoise> {
 public:
    explicit RoundingNoise(std::uint64_t seed) : seed_(seed) {}
    std::string name() const override { return "rounding_noise"; }
    Shape shape(std::span<const Shape> inputs) const override { return inputs[0]; }
    double flops(const Signature&) const override { return 0; }
    bool pure() const override { return false; }
    bool in_place(std::size_t) const override { return true; }

    template <class T>
    void compute(const Kernel<T>& kernel) const {
        constexpr double half_unit = 0x1p-24;
        std::uint64_t state = seed_ + kernel.draw * 0x632be59bd9b4e019;
        for (std::size_t i = 0; i < kernel.output_shape.elements(); ++i) {
            const double noise = static_cast<double>(next(state) >> 11) * 0x1p-52 - 1;
            kernel.output[i] = kernel.inputs[0][i] * static_cast<T>(1 + half_unit * noise);
        }
    }

 private:
    /// Splitmix64 (Steele, Lea and Flood 2014).
    static std::uint64_t next(std::uint64_t& state) {
        state += 0x9e3779b97f4a7c15;
        std::uint64_t word = state;
        word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
        word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
        return word ^ (word >> 31);
    }

    std::uint64_t seed_;
};

bool rounds(const Graph& graph, const Node& node) {
    if (dynamic_cast<const LeafOp*>(node.op.get())) return true;
    std::vector<Shape> shapes;
    for (const NodeId input : node.inputs) shapes.push_back(graph.node(input).shape);
    return node.op->flops({shapes, node.shape}) > 0;
}

/// Values that must stay what they are: indices, what is compared, and what they are moved from.
std::vector<bool> exact_nodes(const Graph& graph) {
    std::vector<bool> exact(graph.size(), false);
    for (NodeId id = graph.size(); id-- > 0;) {
        const Node& node = graph.node(id);
        const bool moves = !rounds(graph, node);
        for (std::size_t i = 0; i < node.inputs.size(); ++i)
            if (!node.op->differentiable(i) || (exact[id] && moves)) exact[node.inputs[i]] = true;
    }
    return exact;
}

}  // namespace

std::vector<bool> needed_nodes(const GraphCase& graph_case, const std::vector<Tensor>& fetches) {
    const Graph& graph = *graph_case.graph;
    std::vector<bool> needed(graph.size(), false);
    for (const Tensor& fetch : fetches) needed[fetch.id()] = true;
    for (const Updates& group : graph_case.updates)
        for (const Update& update : group) needed[update.value.id()] = true;
    for (NodeId id = graph.size(); id-- > 0;)
        if (needed[id])
            for (const NodeId input : graph.node(id).inputs) needed[input] = true;
    return needed;
}

GraphCase with_rounding_noise(const GraphCase& graph_case, std::uint64_t seed) {
    const Graph& graph = *graph_case.graph;
    const std::vector<bool> needed = needed_nodes(graph_case, graph_case.fetches), exact = exact_nodes(graph);
    std::mt19937_64 dice(seed);
    GraphCase noisy{std::make_unique<Graph>(graph.seed()), {}, graph_case.parameters, {}, {}, {}};
    std::vector<Tensor> copies(graph.size()), leaves(graph.size());
    for (NodeId id = 0; id < graph.size(); ++id) {
        if (!needed[id]) continue;
        const Node& node = graph.node(id);
        std::vector<Tensor> inputs;
        for (const NodeId input : node.inputs) inputs.push_back(copies[input]);
        leaves[id] = copies[id] = noisy.graph->apply(node.op, inputs, node.where, node.name);
        if (exact[id] || !rounds(graph, node)) continue;
        const std::vector<Tensor> rounded{copies[id]};
        copies[id] = noisy.graph->apply(std::make_shared<RoundingNoise>(dice()), rounded, node.where);
    }
    for (const FedInput& input : graph_case.inputs)
        noisy.inputs.push_back({leaves[input.tensor.id()], input.range});
    for (const Tensor& fetch : graph_case.fetches) noisy.fetches.push_back(copies[fetch.id()]);
    for (const Updates& group : graph_case.updates) {
        noisy.updates.emplace_back();
        for (const Update& update : group)
            noisy.updates.back().push_back({update.variable, copies[update.value.id()]});
    }
    return noisy;
}

}  // namespace duet::testing
