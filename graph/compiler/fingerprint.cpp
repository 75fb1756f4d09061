#include <duet/graph/compiler/fingerprint.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <duet/graph/hash.hpp>
#include <duet/graph/leaves.hpp>

namespace duet {

namespace {

/// What a feed or a variable is known by.
std::string outer_name(const Graph& graph, const PlanNode& node) {
    if (const auto* read = dynamic_cast<const VariableOp*>(node.op.get())) return read->variable().name();
    return dynamic_cast<const InputOp*>(node.op.get()) ? graph.node(node.origin).name : std::string();
}

}  // namespace

std::uint64_t fingerprint(const Graph& graph, const Plan& plan, const Arrangement& arrangement,
                          std::size_t element_bytes) {
    std::uint64_t value = hash(fmt::format("{} bytes\n", element_bytes));
    for (const PlanNode& node : plan.nodes)
        value = hash(
            fmt::format("{} '{}' ({}) {} of {}\n", node.op->name(), outer_name(graph, node),
                        merge_key(node.op->attributes()), to_string(node.shape), fmt::join(node.inputs, " ")),
            value);
    for (const PlannedUpdate& update : plan.updates)
        value = hash(fmt::format("update '{}' by {}\n", update.variable.name(), update.value), value);
    value =
        hash(fmt::format("fetch {}, check {}\n", fmt::join(plan.fetches, " "), fmt::join(plan.checks, " ")),
             value);
    for (const std::size_t unit : arrangement.layout.sequence)
        value = hash(fmt::format("{};", fmt::join(computed_nodes(arrangement.units.list[unit]), " ")), value);
    return value;
}

}  // namespace duet
