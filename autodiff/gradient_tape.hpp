#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <duet/graph/graph.hpp>
#include <duet/graph/tensor.hpp>
#include <duet/graph/variable.hpp>
#include <duet/graph/where.hpp>

namespace duet {

/// A variable and the gradient of a loss with regard to it, of the variable's shape.
struct VariableGradient {
    Variable variable;
    Tensor gradient;
};

using VariableGradients = std::vector<VariableGradient>;

/// Records the nodes declared while it is open, from its construction to `stop()`, and builds gradients
/// through them by reverse mode. Gradient nodes appended meanwhile belong to the record too, whichever tape
/// asked for them, so gradients differentiate again. A tape can be asked again, also after `stop()`; what it
/// appends then, it does not record.
///
/// A gradient flows along paths: from a target through inputs that ops are differentiable in. Nodes are
/// appended only along the paths from the targets to the loss, each with the line of the node it
/// differentiates. A target may be older than the tape; every later node of its paths must be recorded, since
/// one left out would silently train nothing. `stop_gradient` is the only silent cut.
class GradientTape {
 public:
    /// Opens a tape on `graph`, which must outlive it.
    explicit GradientTape(Graph& graph) : place_(graph.place()), begin_(graph.size()) {}

    /// Ends the recording. Stopping again changes nothing.
    void stop();

    /// The gradients of `loss`, which has one element, with regard to the values of `variables`, in their
    /// order. A program with updates that are made of them checks the loss (CompileOptions::check_losses).
    /// Throws GradientError if the loss has more elements; if no path leads from a variable to the
    /// loss; if a path runs through a node that the tape did not record; or if an op on a path has no
    /// gradient rule.
    VariableGradients gradient(const Tensor& loss, const std::vector<Variable>& variables,
                               Where where = {}) const;

    /// The vector-Jacobian product: the gradient of sum(seed * y) with regard to `target`, of the target's
    /// shape, with `seed` taken as a constant of y's shape. Without a seed it is ones, as in TensorFlow: the
    /// gradient of the sum of y's elements. Throws as above, and ShapeError if the seed's shape is not y's.
    Tensor gradient(const Tensor& y, const Tensor& target, const Tensor& seed = {}, Where where = {}) const;

 private:
    bool recorded(NodeId id) const { return id >= begin_ && (!end_ || id < *end_); }
    void check_in_graph(const Tensor& tensor, const char* role, Where where) const;
    std::vector<Tensor> sweep(const Tensor& y, std::span<const NodeId> targets, Tensor seed,
                              Where where) const;

    Graph& graph() const { return **place_; }

    std::shared_ptr<Graph*> place_;
    NodeId begin_;
    std::optional<NodeId> end_;
};

/// True if a path that carries a gradient leads from `target` to `y`, whether a tape recorded it or not.
bool has_gradient_path(const Tensor& y, const Tensor& target);

}  // namespace duet
