#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include <duet/graph/compiler/plan.hpp>
#include <duet/graph/region.hpp>

namespace duet {

/// What one instruction of a program does.
struct Unit {
    enum class Kind {
        kernel,       ///< runs the kernel of its one node
        elementwise,  ///< runs its nodes block by block; its head, if it has one, tile by tile before them,
                      ///< and its tails after
        fetch,        ///< copies a value to where the caller reads it
        check,        ///< demands that its values are finite
        commit,       ///< copies a finished value into a variable
    };
    Kind kind;
    /// In order of execution; the last is the one that other units read. For copies and checks: what they
    /// read.
    std::vector<std::size_t> nodes;
    /// An op that accepts an epilogue and is computed into a buffer that only this unit reads.
    std::optional<std::size_t> head;
    /// Which fetch, or which update.
    std::size_t target = 0;
    /// Reductions of the last node, computed region by region as it is made.
    std::vector<std::size_t> tails = {};

    /// False for copies and checks.
    bool computes() const { return kind == Kind::kernel || kind == Kind::elementwise; }
};

/// The nodes that a unit computes, in order: its head, its own and its tails; none for copies and checks.
std::vector<std::size_t> computed_nodes(const Unit& unit);

/// The units of a plan and where each value comes from.
struct Units {
    std::vector<Unit> list;
    /// The unit that computes each node; none for leaves, aliases and broadcasts read in place.
    std::vector<std::optional<std::size_t>> of_node;
    /// The node whose buffer holds each node's value: itself, or what it is an alias of.
    std::vector<std::size_t> base;
    /// What a broadcast read in place repeats; none for all other nodes.
    std::vector<std::optional<std::size_t>> repeated;
    /// True for values that exist in memory after their unit has run.
    std::vector<bool> stored;

    /// The node whose buffer is read where a node's value is.
    std::size_t source_of(std::size_t node) const { return base[repeated[node].value_or(node)]; }
};

/// Cuts a plan into units. With `fuse`, an elementwise node joins the unit of its consumers when all of them
/// are in one, broadcasts are read in place, and a unit whose first operand is made for it alone by an op
/// that accepts an epilogue runs on that op's tiles, and reductions of what a unit makes take their share of
/// each tile at once, where their regions nest in the tiles. A node that is `alone` joins no consumer and is
/// nobody's head. Without, each node is a unit. Exact.
Units group_into_units(const Plan& plan, bool fuse, const std::vector<bool>& alone);

/// What a unit with tails computes at a time: the regions that the tails' tiles read, in order.
std::vector<Region> tail_regions(const Plan& plan, const Unit& unit);

/// The nodes that a unit reads from memory, each once, broadcasts read in place by their sources.
std::vector<std::size_t> values_read(const Plan& plan, const Units& units, std::size_t unit);

}  // namespace duet
