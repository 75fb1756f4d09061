#include "rounding_noise.hpp"

#include <cmath>
#include <random>

#include <duet/graph/leaves.hpp>
#include <duet/graph/op.hpp>

namespace duet::testing {

namespace {

/// Multiplies each element by 1 and, up or down, so many times a part of half a unit in the last place of
/// float.
class RoundingNoise final : public OpOf<RoundingNoise> {
 public:
    RoundingNoise(std::uint64_t seed, double times) : seed_(seed), times_(times) {}
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
            kernel.output[i] = kernel.inputs[0][i] * static_cast<T>(1 + times_ * half_unit * noise);
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
    double times_;
};

double flops(const Graph& graph, const Node& node) {
    std::vector<Shape> shapes;
    for (const NodeId input : node.inputs) shapes.push_back(graph.node(input).shape);
    return node.op->flops({shapes, node.shape});
}

bool rounds(const Graph& graph, const Node& node) {
    return dynamic_cast<const LeafOp*>(node.op.get()) || flops(graph, node) > 0;
}

/// How often a rewrite may round an input at its own size: a product that is added to it may start from it,
/// and add one term after the other.
double roundings(const Graph& graph, const Node& node, std::size_t input) {
    if (!node.op->adds()) return 0;
    const Node& other = graph.node(node.inputs[1 - input]);
    if (!other.op->accumulating()) return 0;
    return flops(graph, other) / (2 * static_cast<double>(other.shape.elements()));
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
    const auto rounded = [&](const Tensor& value, double times) {
        const std::vector<Tensor> inputs{value};
        return noisy.graph->apply(std::make_shared<RoundingNoise>(dice(), times), inputs, Where());
    };
    for (NodeId id = 0; id < graph.size(); ++id) {
        if (!needed[id]) continue;
        const Node& node = graph.node(id);
        std::vector<Tensor> inputs;
        for (std::size_t i = 0; i < node.inputs.size(); ++i) {
            inputs.push_back(copies[node.inputs[i]]);
            if (const double times = roundings(graph, node, i); times > 0)
                inputs.back() = rounded(inputs.back(), std::sqrt(times));
        }
        leaves[id] = copies[id] = noisy.graph->apply(node.op, inputs, node.where, node.name);
        if (!exact[id] && rounds(graph, node)) copies[id] = rounded(copies[id], 1);
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
