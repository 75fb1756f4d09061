#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include <duet/graph/compiler/memory_plan.hpp>
#include <duet/graph/compiler/schedule.hpp>

namespace duet {

/// Units in the order they run, and where each computed value lives.
struct Layout {
    Order order;
    std::vector<std::size_t> sequence;
    /// For each node: the buffer of the arena that holds it. None for leaves, for values computed into a
    /// variable or a fetch, and for values that never reach memory.
    std::vector<std::optional<std::size_t>> buffer;
    /// For each node: the update into whose variable it is computed.
    std::vector<std::optional<std::size_t>> update;
    /// For each node: the fetch into whose array it is computed.
    std::vector<std::optional<std::size_t>> fetch;
    /// For each node: the buffer of its kernel's scratch memory.
    std::vector<std::optional<std::size_t>> workspace;
    /// The steps between which each buffer is alive.
    std::vector<Lifetime> lifetimes;
    MemoryPlan memory;
};

/// Tries every order and keeps the one whose plan is smallest, the first of equals; `bound` of its memory
/// plan is the lowest of all orders. With `share`, a result takes over the buffer of an operand that it is
/// the last to read.
Layout plan_layout(const Plan& plan, const Units& units, const Dependencies& dependencies,
                   std::size_t element_bytes, bool share);

}  // namespace duet
