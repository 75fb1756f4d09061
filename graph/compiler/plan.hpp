#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <duet/graph/graph.hpp>
#include <duet/graph/update.hpp>

namespace duet {

/// A node as the compiler sees it: passes may change what it computes it with, never what it computes.
struct PlanNode {
    std::shared_ptr<const Op> op;
    std::vector<std::size_t> inputs;
    Shape shape;
    /// The node of the user's graph it stands for.
    NodeId origin;
};

struct PlannedUpdate {
    Variable variable;
    std::size_t value;
    Where where;
};

/// What a program will compute. Every pass keeps the nodes in topological order.
struct Plan {
    std::vector<PlanNode> nodes;
    std::vector<std::size_t> fetches;
    std::vector<PlannedUpdate> updates;
    /// Values that must be finite before any update is written.
    std::vector<std::size_t> checks;
};

/// The shapes of a node's inputs, in a form that Signature can view.
std::vector<Shape> input_shapes(const Plan& plan, std::size_t node);
std::vector<Shape> input_shapes(const Plan& plan, const PlanNode& node);

/// True for inputs, variables and constants.
bool is_leaf(const PlanNode& node);

/// The ancestors of `roots`, themselves included.
std::vector<bool> needed_for(const Plan& plan, const std::vector<std::size_t>& roots);

/// The nodes that read each node, in order; a node that reads another twice stands twice.
std::vector<std::vector<std::size_t>> consumers_of(const Plan& plan);

}  // namespace duet
