#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include <duet/graph/shape.hpp>
#include <duet/graph/where.hpp>

namespace duet {

class Graph;

/// The position of a node in its graph; creation order is topological order.
using NodeId = std::uint32_t;

/// A handle on a node's value: a graph and a position in it. Cheap to copy, valid as long as its graph lives,
/// also after the graph was moved.
class Tensor {
 public:
    Tensor() = default;
    Tensor(const Graph& graph, NodeId id);

    Graph& graph() const { return **place_; }
    /// Where the graph is found: the same for all its tensors, and no other graph's.
    Graph* const* place() const { return place_; }
    NodeId id() const { return id_; }
    const Shape& shape() const;
    /// True for a tensor of a graph, false for one made by the default constructor.
    bool valid() const { return place_ != nullptr; }

    /// Gives the node a name for messages, `describe()` and pictures; returns the same tensor.
    Tensor named(std::string name) const;

    /// True if both are the same node; no comparison of values.
    friend bool operator==(const Tensor&, const Tensor&) = default;

 private:
    Graph* const* place_ = nullptr;
    NodeId id_ = 0;
};

/// An argument of an op builder: a tensor, or a number that becomes a constant, with the line that passed it.
/// Made implicitly, so that builders and operators take `2.0 * x` and still know the user's line.
class Operand {
 public:
    Operand(Tensor tensor, Where where = {}) : value_(tensor), where_(where) {}
    Operand(double constant, Where where = {}) : value_(constant), where_(where) {}

    bool is_tensor() const { return std::holds_alternative<Tensor>(value_); }
    Where where() const { return where_; }
    /// The tensor; a number becomes a scalar constant of `graph`.
    Tensor tensor(Graph& graph) const;
    /// The tensor of an operand that must be one. Throws Error when it is a number or an empty tensor.
    Tensor tensor() const;

 private:
    std::variant<Tensor, double> value_;
    Where where_;
};

}  // namespace duet
