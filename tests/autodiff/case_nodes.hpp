#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <duet/graph/op.hpp>

#include "op_cases.hpp"
#include "promises.hpp"

namespace duet {

/// A node's value must be that of an earlier one, with the value of `added` added if it is there.
struct Equivalence {
    /// The member of Op that says so.
    std::string promise;
    std::size_t of;
    std::optional<std::size_t> added;
};

/// A node of a row; inputs are positions in the row's list, all of them earlier.
struct CaseNode {
    std::shared_ptr<const Op> op;
    std::vector<std::size_t> inputs;
    Shape shape;
    std::optional<Equivalence> equivalence;

    bool is_leaf() const;
};

/// All nodes that a row builds for its value and its gradients up to an order, and behind them those that the
/// compiler's passes may put in their place: what the ops absorb, rearrange and accumulate. Reports rewrites
/// of another shape than what they stand for.
std::vector<CaseNode> nodes_of(const OpCase& row, int order, PromiseReport& report);

template <class T>
using CaseValues = std::vector<std::vector<T>>;

template <class T>
AppliedOp<T> applied(const std::vector<CaseNode>& nodes, std::size_t node, const CaseValues<T>& values);

/// The value of each node, those of the inputs being drawn from [low, high) by `seed`.
template <class T>
CaseValues<T> values_of(const std::vector<CaseNode>& nodes, double low, double high, std::uint64_t seed);

}  // namespace duet
