#include <duet/graph/graph.hpp>

#include <algorithm>
#include <cassert>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/graph/leaves.hpp>

namespace duet {

Tensor::Tensor(const Graph& graph, NodeId id) : place_(graph.place().get()), id_(id) {}

const Shape& Tensor::shape() const {
    return graph().node(id_).shape;
}

Tensor Tensor::named(std::string name) const {
    graph().rename(id_, std::move(name));
    return *this;
}

Tensor Operand::tensor(Graph& graph) const {
    if (const Tensor* tensor = std::get_if<Tensor>(&value_)) return *tensor;
    return graph.constant(std::get<double>(value_), where_);
}

Tensor Operand::tensor() const {
    if (const Tensor* tensor = std::get_if<Tensor>(&value_)) {
        if (tensor->valid()) return *tensor;
        throw Error(
            fmt::format("{}: an empty Tensor was passed; assign it from a builder first", to_string(where_)));
    }
    throw Error(fmt::format("{}: a tensor is needed here, not the number {}; declare it with Graph::constant",
                            to_string(where_), std::get<double>(value_)));
}

std::string describe_node(const Graph& graph, NodeId id) {
    const Node& node = graph.node(id);
    const std::string name = node.name.empty() ? fmt::format("{}#{}", node.op->name(), id) : node.name;
    return fmt::format("{} {}, declared at {}", name, to_string(node.shape), to_string(node.where));
}

Graph::Graph(std::uint64_t seed) : place_(std::make_shared<Graph*>(this)), seed_(seed) {}

Graph::Graph(Graph&& other) noexcept : seed_(other.seed_) {
    *this = std::move(other);
}

Graph& Graph::operator=(Graph&& other) noexcept {
    assert(!attributed_ && !other.attributed_);
    if (this == &other) return *this;
    if (place_) *place_ = nullptr;
    nodes_ = std::move(other.nodes_);
    reads_ = std::move(other.reads_);
    owed_updates_ = std::move(other.owed_updates_);
    differentiated_ = std::move(other.differentiated_);
    place_ = std::move(other.place_);
    seed_ = other.seed_;
    if (place_) *place_ = this;
    return *this;
}

Graph::~Graph() {
    if (place_) *place_ = nullptr;
}

Tensor Graph::input(const std::string& name, const Shape& shape, Where where) {
    for (NodeId id = 0; id < size(); ++id)
        if (nodes_[id].name == name && dynamic_cast<const InputOp*>(nodes_[id].op.get()))
            throw Error(
                fmt::format("{}: input \"{}\" was already declared at {}; give each input its own name",
                            to_string(where), name, to_string(nodes_[id].where)));
    return apply(std::make_shared<InputOp>(shape), {}, where, name);
}

Tensor Graph::constant(double value, Where where) {
    return apply(std::make_shared<ConstantOp>(Shape{}, std::vector<double>{value}), {}, where);
}

Tensor Graph::constant(const ArrayOf<double>& value, Where where) {
    return apply(std::make_shared<ConstantOp>(shape_of(value),
                                              std::vector<double>(value.data(), value.data() + value.size())),
                 {}, where);
}

Tensor Graph::read(const Variable& variable, Where where) {
    const auto known =
        std::find_if(reads_.begin(), reads_.end(), [&](const auto& read) { return read.first == variable; });
    if (known != reads_.end()) return Tensor(*this, known->second);
    const Tensor read = apply(std::make_shared<VariableOp>(variable), {}, where, variable.name());
    reads_.emplace_back(variable, read.id());
    return read;
}

void Graph::declare_update(const Variable& variable, const Tensor& next, const std::vector<Variable>& owed_by,
                           Where where) {
    if (attributed_) where = *attributed_;
    if (!next.valid() || &next.graph() != this)
        throw Error(fmt::format("{}: the next value of {} belongs to another graph", to_string(where),
                                variable.name()));
    if (next.shape() != variable.shape())
        throw ShapeError(fmt::format("{}: {} has shape {}, but its next value is {}", to_string(where),
                                     variable.name(), to_string(variable.shape()),
                                     describe_node(*this, next.id())));
    const auto known = std::find_if(owed_updates_.begin(), owed_updates_.end(), [&](const OwedUpdate& other) {
        return other.update.variable == variable;
    });
    if (known == owed_updates_.end())
        owed_updates_.push_back({{variable, next, where}, owed_by});
    else
        *known = {{variable, next, where}, owed_by};
}

Tensor Graph::present(const Variable& variable, Where where) {
    for (const OwedUpdate& known : owed_updates_)
        if (known.update.variable == variable) return known.update.value;
    return read(variable, where);
}

void Graph::declare_differentiated(Differentiated differentiated) {
    differentiated_.push_back(std::move(differentiated));
}

Tensor Graph::apply(std::shared_ptr<const Op> op, std::span<const Tensor> inputs, Where where,
                    std::string name) {
    if (attributed_) where = *attributed_;
    Node node{std::move(op), {}, {}, std::move(name), where};
    std::vector<Shape> shapes;
    for (const Tensor& input : inputs) {
        if (!input.valid() || &input.graph() != this)
            throw Error(fmt::format(
                "{}: {} mixes tensors of different graphs; declare all of them in one{}", to_string(where),
                node.op->name(),
                input.valid() ? "\n  from another graph: " + describe_node(input.graph(), input.id()) : ""));
        node.inputs.push_back(input.id());
        shapes.push_back(input.shape());
    }
    try {
        node.shape = node.op->shape(shapes);
        check_bytes(node.shape);
    } catch (const ShapeError& rule) {
        std::string message = fmt::format("{}: {}: {}", to_string(where), node.op->name(), rule.what());
        for (std::size_t i = 0; i < inputs.size(); ++i)
            message += fmt::format("\n  argument {}: {}", i + 1, describe_node(*this, node.inputs[i]));
        throw ShapeError(message);
    }
    nodes_.push_back(std::move(node));
    return Tensor(*this, size() - 1);
}

WhereScope::WhereScope(Graph& graph, Where where) : graph_(graph), outermost_(!graph.attributed_) {
    if (outermost_) graph_.attributed_ = where;
}

WhereScope::~WhereScope() {
    if (outermost_) graph_.attributed_.reset();
}

Graph& graph_of(std::span<const Operand> operands) {
    Graph* graph = nullptr;
    Tensor first;
    for (const Operand& operand : operands) {
        if (!operand.is_tensor()) continue;
        const Tensor tensor = operand.tensor();
        if (graph && graph != &tensor.graph()) {
            const WhereScope caller(*graph, operand.where()), other(tensor.graph(), caller.where());
            throw Error(fmt::format(
                "{}: the arguments belong to different graphs; declare all of them in one\n  in one graph: "
                "{}\n  in another: {}",
                to_string(other.where()), describe_node(*graph, first.id()),
                describe_node(tensor.graph(), tensor.id())));
        }
        if (!graph) first = tensor;
        graph = &tensor.graph();
    }
    if (!graph)
        throw Error(
            fmt::format("{}: at least one argument must be a tensor; declare numbers with Graph::constant",
                        operands.empty() ? "" : to_string(operands.front().where())));
    return *graph;
}

Tensor apply(std::shared_ptr<const Op> op, std::initializer_list<Operand> operands) {
    Graph& graph = graph_of({operands.begin(), operands.size()});
    std::vector<Tensor> inputs;
    for (const Operand& operand : operands) inputs.push_back(operand.tensor(graph));
    return graph.apply(std::move(op), inputs, operands.begin()->where());
}

}  // namespace duet
