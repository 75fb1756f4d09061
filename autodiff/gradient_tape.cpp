#include <duet/autodiff/gradient_tape.hpp>

#include <algorithm>
#include <memory>
#include <string>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/graph/leaves.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/broadcast.hpp>

namespace duet {

namespace {

/// Which of the nodes between the oldest target and y lie on a path from a target to y.
class Paths {
 public:
    Paths(const Graph& graph, NodeId y, std::span<const NodeId> targets)
        : graph_(graph), first_(*std::min_element(targets.begin(), targets.end())) {
        if (first_ > y) return;
        from_target_.resize(y - first_ + 1);
        to_y_.resize(y - first_ + 1);
        for (const NodeId target : targets)
            if (target <= y) from_target_[target - first_] = true;
        for (NodeId id = first_; id <= y; ++id)
            if (interior(id)) from_target_[id - first_] = true;
        to_y_[y - first_] = true;
        for (NodeId id = y; id > first_; --id) {
            if (!to_y_[id - first_]) continue;
            for (std::size_t i = 0; i < graph_.node(id).inputs.size(); ++i)
                if (carries(id, i)) to_y_[graph_.node(id).inputs[i] - first_] = true;
        }
    }

    NodeId first() const { return first_; }
    bool on_path(NodeId id) const {
        return id >= first_ && id - first_ < to_y_.size() && from_target_[id - first_] && to_y_[id - first_];
    }
    /// True if a gradient of the node reaches a target through its input `i`.
    bool carries(NodeId id, std::size_t i) const {
        const Node& node = graph_.node(id);
        return node.inputs[i] >= first_ && from_target_[node.inputs[i] - first_] &&
               node.op->differentiable(i);
    }
    /// True if a path from a target enters the node, so that its gradient rule is needed.
    bool interior(NodeId id) const {
        for (std::size_t i = 0; i < graph_.node(id).inputs.size(); ++i)
            if (carries(id, i)) return true;
        return false;
    }

 private:
    const Graph& graph_;
    NodeId first_;
    std::vector<bool> from_target_;
    std::vector<bool> to_y_;
};

/// The gradient that the node's rule gives for its input `i`, checked.
Tensor apply_rule(Graph& graph, NodeId id, std::size_t i, const Tensor& seed, Where where) {
    const std::shared_ptr<const Op> op = graph.node(id).op;
    std::vector<Tensor> inputs;
    for (const NodeId input : graph.node(id).inputs) inputs.emplace_back(graph, input);
    Tensor gradient;
    try {
        gradient = op->gradient(i, {inputs, Tensor(graph, id)}, seed);
    } catch (const GradientError& rule) {
        throw GradientError(fmt::format("{}: the gradient of {}: {}", to_string(where),
                                        describe_node(graph, id), rule.what()));
    }
    if (!gradient.valid() || &gradient.graph() != &graph || gradient.shape() != inputs[i].shape())
        throw GradientError(fmt::format(
            "{}: the gradient rule of {} yields {} for input {} of {}; it must yield a tensor of the "
            "input's shape {} in the same graph",
            to_string(where), op->name(), gradient.valid() ? to_string(gradient.shape()) : "no tensor", i,
            describe_node(graph, id), to_string(inputs[i].shape())));
    return gradient;
}

/// The node that reads the variable, if it is not later than `last`.
std::optional<NodeId> find_read(const Graph& graph, const Variable& variable, NodeId last) {
    for (NodeId id = 0; id <= last; ++id) {
        if (!graph.node(id).inputs.empty()) continue;
        const auto* read = dynamic_cast<const VariableOp*>(graph.node(id).op.get());
        if (read && read->variable() == variable) return id;
    }
    return std::nullopt;
}

}  // namespace

void GradientTape::stop() {
    if (!end_) end_ = graph().size();
}

VariableGradients GradientTape::gradient(const Tensor& loss, const std::vector<Variable>& variables,
                                         Where where) const {
    check_in_graph(loss, "loss", where);
    if (loss.shape().elements() != 1)
        throw GradientError(
            fmt::format("{}: the loss {} has {} elements, but a loss has one: reduce it with mean or sum",
                        to_string(where), describe_node(graph(), loss.id()), loss.shape().elements()));
    if (variables.empty()) return {};
    std::vector<NodeId> targets;
    for (const Variable& variable : variables) {
        const std::optional<NodeId> read = find_read(graph(), variable, loss.id());
        if (!read)
            throw GradientError(fmt::format(
                "{}: the loss {} has no path from variable {} {}: nothing declared before the loss reads it",
                to_string(where), describe_node(graph(), loss.id()), variable.name(),
                to_string(variable.shape())));
        targets.push_back(*read);
    }
    const std::vector<Tensor> gradients = sweep(loss, targets, {}, where);
    VariableGradients result;
    Differentiated differentiated{loss.id(), {}};
    for (std::size_t i = 0; i < variables.size(); ++i) {
        result.push_back({variables[i], gradients[i]});
        differentiated.gradients.push_back(gradients[i].id());
    }
    graph().declare_differentiated(std::move(differentiated));
    return result;
}

Tensor GradientTape::gradient(const Tensor& y, const Tensor& target, const Tensor& seed, Where where) const {
    check_in_graph(y, "differentiated tensor", where);
    check_in_graph(target, "target", where);
    if (seed.valid()) {
        check_in_graph(seed, "seed", where);
        if (seed.shape() != y.shape())
            throw ShapeError(fmt::format(
                "{}: the seed {} must have the shape of the differentiated tensor {}", to_string(where),
                describe_node(graph(), seed.id()), describe_node(graph(), y.id())));
    }
    return sweep(y, std::vector<NodeId>{target.id()}, seed, where).front();
}

void GradientTape::check_in_graph(const Tensor& tensor, const char* role, Where where) const {
    if (!tensor.valid())
        throw Error(fmt::format("{}: the {} is an empty Tensor; assign it from a builder first",
                                to_string(where), role));
    if (tensor.place() != place_.get())
        throw Error(
            fmt::format("{}: the {} {} belongs to another graph than the tape; open a tape on its graph",
                        to_string(where), role, describe_node(tensor.graph(), tensor.id())));
}

std::vector<Tensor> GradientTape::sweep(const Tensor& y, std::span<const NodeId> targets, Tensor seed,
                                        Where where) const {
    Graph& graph = this->graph();
    const Paths paths(graph, y.id(), targets);
    const NodeId first = paths.first();
    for (const NodeId target : targets)
        if (!paths.on_path(target))
            throw GradientError(fmt::format(
                "{}: no path leads from {} to {}: the value does not depend on the target, or only "
                "through comparisons, indices or stop_gradient",
                to_string(where), describe_node(graph, target), describe_node(graph, y.id())));
    for (NodeId id = first; id <= y.id(); ++id)
        if (paths.on_path(id) && paths.interior(id) && !recorded(id))
            throw GradientError(fmt::format(
                "{}: a path from the targets to {} runs through {}, which this tape did not record; "
                "declare it while the tape is open",
                to_string(where), describe_node(graph, y.id()), describe_node(graph, id)));

    if (!seed.valid()) {
        const WhereScope scope(graph, graph.node(y.id()).where);
        seed = broadcast_to(graph.constant(1.0), Shape(y.shape()));
    }
    std::vector<Tensor> gradients(y.id() - first + 1);
    gradients.back() = seed;
    for (NodeId id = y.id(); id > first; --id) {
        if (!paths.on_path(id)) continue;
        const WhereScope scope(graph, graph.node(id).where);
        for (std::size_t i = 0; i < graph.node(id).inputs.size(); ++i) {
            if (!paths.carries(id, i)) continue;
            const Tensor part = apply_rule(graph, id, i, gradients[id - first], where);
            Tensor& sum = gradients[graph.node(id).inputs[i] - first];
            sum = sum.valid() ? add(sum, part) : part;
        }
    }
    std::vector<Tensor> result;
    for (const NodeId target : targets) result.push_back(gradients[target - first]);
    return result;
}

bool has_gradient_path(const Tensor& y, const Tensor& target) {
    const NodeId id = target.id();
    return &y.graph() == &target.graph() && Paths(y.graph(), y.id(), {&id, 1}).on_path(id);
}

}  // namespace duet
