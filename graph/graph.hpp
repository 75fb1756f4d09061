#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <duet/graph/array.hpp>
#include <duet/graph/op.hpp>
#include <duet/graph/tensor.hpp>
#include <duet/graph/update.hpp>
#include <duet/graph/variable.hpp>

namespace duet {

/// One declared value: the op that makes it, from which nodes, of what shape, declared on which line.
struct Node {
    std::shared_ptr<const Op> op;
    std::vector<NodeId> inputs;
    Shape shape;
    std::string name;
    Where where;
};

/// An update that a program owes when it updates others: a running statistic that a layer keeps of the values
/// it meets in training moves where the layer's parameters do, and nowhere else.
struct OwedUpdate {
    /// The variable's value after the declarations so far, of its shape.
    Update update;
    /// `compile` adds the update to every program that updates one of these.
    std::vector<Variable> owed_by;
};

/// A value that a tape differentiated as a loss, and the gradients it gave.
struct Differentiated {
    NodeId loss;
    std::vector<NodeId> gradients;
};

/// "fake (128, 784), declared at train.cpp:12"; a node without a name is called by its op and id, such as
/// "matmul#7".
std::string describe_node(const Graph& graph, NodeId id);

/// An append-only list of nodes. Shapes are checked when a node is declared, so a graph that exists is well
/// shaped. It can be moved, and its tensors and tapes with it; what it was moved from may only be assigned to
/// or destroyed.
class Graph {
 public:
    /// `seed` decides every random draw of the graph together with the drawing node's name and the draw
    /// number: nodes of one name draw alike in two graphs of one seed.
    explicit Graph(std::uint64_t seed = 0);
    Graph(Graph&& other) noexcept;
    Graph& operator=(Graph&& other) noexcept;
    ~Graph();

    /// A value that each run is fed. Throws Error if the graph has an input of that name.
    Tensor input(const std::string& name, const Shape& shape, Where where = {});
    /// A scalar constant, kept as double.
    Tensor constant(double value, Where where = {});
    /// A constant array, kept as double.
    Tensor constant(const ArrayOf<double>& value, Where where = {});
    /// The variable's value at the start of a run. The graph holds one such node a variable.
    Tensor read(const Variable& variable, Where where = {});

    /// Appends the application of `op`. Throws ShapeError if the op's rule does not accept the inputs'
    /// shapes or the result takes more than `max_tensor_bytes`, and Error if an input belongs to another
    /// graph.
    Tensor apply(std::shared_ptr<const Op> op, std::span<const Tensor> inputs, Where where,
                 std::string name = {});

    /// Notes an update that every program owes that updates one of `owed_by`, unless it is given one of the
    /// same variable. Made from the variable's `present` value, a further declaration continues from the one
    /// before, and takes its place. Throws Error if `next` belongs to another graph, and ShapeError if its
    /// shape is not the variable's.
    void declare_update(const Variable& variable, const Tensor& next, const std::vector<Variable>& owed_by,
                        Where where = {});
    /// The variable's last declared next value; its value at the start of a run where none is declared.
    Tensor present(const Variable& variable, Where where = {});
    /// The updates declared, one a variable.
    const std::vector<OwedUpdate>& owed_updates() const { return owed_updates_; }

    /// Notes that a tape differentiated a loss; see CompileOptions::check_losses.
    void declare_differentiated(Differentiated differentiated);
    const std::vector<Differentiated>& differentiated() const { return differentiated_; }

    const Node& node(NodeId id) const { return nodes_[id]; }
    NodeId size() const { return static_cast<NodeId>(nodes_.size()); }
    std::uint64_t seed() const { return seed_; }
    void rename(NodeId id, std::string name) { nodes_[id].name = std::move(name); }
    /// Where the graph is found, wherever it was moved to; null once it is gone. Never another graph's.
    const std::shared_ptr<Graph*>& place() const { return place_; }

 private:
    friend class WhereScope;

    // A deque: a reference to a node, such as Tensor::shape gives, outlives the nodes appended after it.
    std::deque<Node> nodes_;
    std::vector<std::pair<Variable, NodeId>> reads_;
    std::vector<OwedUpdate> owed_updates_;
    std::vector<Differentiated> differentiated_;
    std::shared_ptr<Graph*> place_;
    std::uint64_t seed_;
    std::optional<Where> attributed_;
};

/// While it lives, nodes appended to the graph carry its line: how a layer or a gradient names the line of
/// its caller. Within another scope it changes nothing, so the outermost caller's line stands.
class WhereScope {
 public:
    WhereScope(Graph& graph, Where where);
    ~WhereScope();
    WhereScope(const WhereScope&) = delete;
    WhereScope& operator=(const WhereScope&) = delete;

    /// The line that nodes carry: for errors of builders that no node's rule finds.
    Where where() const { return *graph_.attributed_; }

 private:
    Graph& graph_;
    bool outermost_;
};

/// Applies `op` in the operands' graph, numbers made constants of it; the node carries the first operand's
/// line. Throws Error if no operand is a tensor.
Tensor apply(std::shared_ptr<const Op> op, std::initializer_list<Operand> operands);

/// The graph the operands belong to. Throws Error if none of them is a tensor or if they belong to different
/// graphs.
Graph& graph_of(std::span<const Operand> operands);

}  // namespace duet
