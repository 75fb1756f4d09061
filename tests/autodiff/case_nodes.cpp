#include "case_nodes.hpp"

#include <cmath>
#include <random>

#include <duet/autodiff/gradient_tape.hpp>
#include <duet/graph/error.hpp>
#include <duet/graph/leaves.hpp>
#include <duet/ops/arithmetic.hpp>

namespace duet {

namespace {

/// The squares make seeds that are not constant, and second derivatives of linear ops.
void declare(const OpCase& row, int order, Graph& graph) {
    const GradientTape tape(graph);
    std::vector<Tensor> inputs;
    for (const Shape& shape : row.input_shapes)
        inputs.push_back(graph.input(fmt::format("input {}", inputs.size()), shape));
    std::vector<Tensor> open{row.build(graph, inputs)};
    for (int done = 0; done < order; ++done) {
        std::vector<Tensor> gradients;
        for (const Tensor& value : open)
            for (const Tensor& input : inputs)
                if (has_gradient_path(value, input)) gradients.push_back(tape.gradient(square(value), input));
        open = std::move(gradients);
    }
}

class Rewrites {
 public:
    Rewrites(std::vector<CaseNode>& nodes, PromiseReport& report) : nodes_(nodes), report_(report) {}

    void append() {
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            if (nodes_[i].is_leaf()) continue;
            absorb(i);
            rearrange(i);
            accumulate(i);
        }
    }

 private:
    std::vector<Shape> shapes_of(const std::vector<std::size_t>& inputs) const {
        std::vector<Shape> shapes;
        for (const std::size_t input : inputs) shapes.push_back(nodes_[input].shape);
        return shapes;
    }

    void absorb(std::size_t node) {
        for (std::size_t i = 0; i < nodes_[node].inputs.size(); ++i) {
            const CaseNode& producer = nodes_[nodes_[node].inputs[i]];
            if (producer.inputs.size() != 1) continue;
            std::vector<std::size_t> inputs = nodes_[node].inputs;
            inputs[i] = producer.inputs.front();
            if (auto op = nodes_[node].op->absorb(i, *producer.op))
                add(std::move(op), inputs, {"absorb", node, {}});
        }
    }

    void rearrange(std::size_t node) {
        const std::vector<Shape> shapes = shapes_of(nodes_[node].inputs);
        auto change = nodes_[node].op->rearranged({shapes, nodes_[node].shape});
        if (!change) return;
        std::vector<std::size_t> inputs = nodes_[node].inputs;
        const std::size_t source = inputs[change->input];
        const Shape shape = change->rearrangement->shape({&nodes_[source].shape, 1});
        nodes_.push_back({std::move(change->rearrangement), {source}, shape, {}});
        inputs[change->input] = nodes_.size() - 1;
        add(std::move(change->op), inputs, {"rearranged", node, {}});
    }

    void accumulate(std::size_t node) {
        auto op = nodes_[node].op->accumulating();
        if (!op) return;
        nodes_.push_back({std::make_shared<InputOp>(nodes_[node].shape), {}, nodes_[node].shape, {}});
        std::vector<std::size_t> inputs = nodes_[node].inputs;
        inputs.push_back(nodes_.size() - 1);
        add(std::move(op), inputs, {"accumulating", node, inputs.back()});
    }

    /// An op whose input was rearranged need not know the shapes of what it stands for.
    void add(std::shared_ptr<const Op> op, const std::vector<std::size_t>& inputs, Equivalence equivalence) {
        const Shape shape = nodes_[equivalence.of].shape;
        bool fits = true;
        if (equivalence.promise != "rearranged") {
            try {
                fits = op->shape(shapes_of(inputs)) == shape;
            } catch (const ShapeError&) {
                fits = false;
            }
        }
        report_.expect(fits, equivalence.promise.c_str(), "{} makes another shape than what it stands for",
                       op->name());
        if (fits) nodes_.push_back({std::move(op), inputs, shape, std::move(equivalence)});
    }

    std::vector<CaseNode>& nodes_;
    PromiseReport& report_;
};

template <class T>
std::vector<T> leaf_value(const CaseNode& leaf, double low, double high, std::mt19937_64& random) {
    std::vector<T> values(leaf.shape.elements());
    const auto* constant = dynamic_cast<const ConstantOp*>(leaf.op.get());
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<T>(constant ? constant->values()[i]
                                            : low + (high - low) *
                                                        std::ldexp(static_cast<double>(random() >> 11), -53));
    return values;
}

}  // namespace

bool CaseNode::is_leaf() const {
    return dynamic_cast<const LeafOp*>(op.get()) != nullptr;
}

std::vector<CaseNode> nodes_of(const OpCase& row, int order, PromiseReport& report) {
    Graph graph;
    declare(row, order, graph);
    std::vector<CaseNode> nodes;
    for (NodeId id = 0; id < graph.size(); ++id) {
        const Node& node = graph.node(id);
        nodes.push_back({node.op, {node.inputs.begin(), node.inputs.end()}, node.shape, {}});
    }
    Rewrites(nodes, report).append();
    return nodes;
}

template <class T>
AppliedOp<T> applied(const std::vector<CaseNode>& nodes, std::size_t node, const CaseValues<T>& values) {
    AppliedOp<T> applied{nodes[node].op, {}, nodes[node].shape, {}};
    for (const std::size_t input : nodes[node].inputs) {
        applied.shapes.push_back(nodes[input].shape);
        applied.inputs.push_back(values[input]);
    }
    return applied;
}

template <class T>
CaseValues<T> values_of(const std::vector<CaseNode>& nodes, double low, double high, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    CaseValues<T> values;
    for (std::size_t i = 0; i < nodes.size(); ++i)
        values.push_back(nodes[i].is_leaf() ? leaf_value<T>(nodes[i], low, high, random)
                                            : evaluate(applied(nodes, i, values)));
    return values;
}

template AppliedOp<float> applied(const std::vector<CaseNode>&, std::size_t, const CaseValues<float>&);
template AppliedOp<double> applied(const std::vector<CaseNode>&, std::size_t, const CaseValues<double>&);
template CaseValues<float> values_of(const std::vector<CaseNode>&, double, double, std::uint64_t);
template CaseValues<double> values_of(const std::vector<CaseNode>&, double, double, std::uint64_t);

}  // namespace duet
