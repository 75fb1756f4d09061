#include <duet/graph/compiler/schedule.hpp>

#include <algorithm>
#include <cassert>
#include <queue>

#include <duet/graph/leaves.hpp>

namespace duet {

namespace {

void add_edge(Dependencies& dependencies, std::size_t before, std::size_t after) {
    auto& successors = dependencies.successors[before];
    if (before == after || std::find(successors.begin(), successors.end(), after) != successors.end()) return;
    successors.push_back(after);
    ++dependencies.predecessors[after];
}

/// The units that cannot run before `unit`, itself included.
std::vector<bool> descendants_of(const Dependencies& dependencies, std::size_t unit) {
    std::vector<bool> reached(dependencies.successors.size(), false);
    std::vector<std::size_t> open{unit};
    reached[unit] = true;
    while (!open.empty()) {
        const std::size_t next = open.back();
        open.pop_back();
        for (const std::size_t successor : dependencies.successors[next])
            if (!reached[successor]) {
                reached[successor] = true;
                open.push_back(successor);
            }
    }
    return reached;
}

std::size_t grow(Dependencies& dependencies) {
    dependencies.successors.emplace_back();
    dependencies.predecessors.push_back(0);
    dependencies.writes.push_back(false);
    return dependencies.successors.size() - 1;
}

}  // namespace

bool may_fail(const Plan& plan, const Unit& unit) {
    if (unit.kind == Unit::Kind::check) return true;
    const std::vector<std::size_t> nodes = computed_nodes(unit);
    return std::any_of(nodes.begin(), nodes.end(),
                       [&](std::size_t node) { return plan.nodes[node].op->may_fail(); });
}

std::string to_string(Order order) {
    switch (order) {
        case Order::creation:
            return "creation";
        case Order::updates_first:
            return "updates first";
        case Order::depth_first:
            return "depth first";
    }
    return {};
}

bool reads_elementwise(const Plan& plan, const Units& units, std::size_t index, std::size_t value) {
    const Unit& unit = units.list[index];
    if (unit.kind == Unit::Kind::kernel) {
        const PlanNode& node = plan.nodes[unit.nodes.front()];
        for (std::size_t i = 0; i < node.inputs.size(); ++i)
            if (units.base[node.inputs[i]] == value && !node.op->in_place(i)) return false;
        return true;
    }
    if (unit.kind != Unit::Kind::elementwise) return false;
    if (unit.head)
        for (const std::size_t input : plan.nodes[*unit.head].inputs)
            if (units.base[input] == value) return false;
    for (const std::size_t node : unit.nodes)
        for (const std::size_t input : plan.nodes[node].inputs)
            if (units.repeated[input] && units.source_of(input) == value) return false;
    return true;
}

Dependencies find_dependencies(const Plan& plan, Units& units) {
    const std::size_t unit_count = units.list.size();
    Dependencies dependencies;
    dependencies.successors.resize(unit_count);
    dependencies.predecessors.assign(unit_count, 0);
    dependencies.writes.assign(unit_count, false);
    std::vector<std::vector<std::size_t>> readers(plan.nodes.size());
    std::vector<std::size_t> failing;
    for (std::size_t unit = 0; unit < unit_count; ++unit) {
        if (may_fail(plan, units.list[unit])) failing.push_back(unit);
        for (const std::size_t value : values_read(plan, units, unit)) {
            readers[value].push_back(unit);
            if (const auto producer = units.of_node[value]) add_edge(dependencies, *producer, unit);
        }
    }
    std::vector<std::pair<Variable, std::size_t>> reads;
    for (std::size_t i = 0; i < plan.nodes.size(); ++i)
        if (const auto* op = dynamic_cast<const VariableOp*>(plan.nodes[i].op.get()))
            reads.emplace_back(op->variable(), i);

    for (std::size_t i = 0; i < plan.updates.size(); ++i) {
        const PlannedUpdate& update = plan.updates[i];
        const std::size_t producer = *units.of_node[units.base[update.value]];
        const auto read = std::find_if(reads.begin(), reads.end(),
                                       [&](const auto& known) { return known.first == update.variable; });
        std::vector<std::size_t> before = failing;
        bool in_place = !may_fail(plan, units.list[producer]);
        if (read != reads.end()) {
            before.insert(before.end(), readers[read->second].begin(), readers[read->second].end());
            in_place = in_place && reads_elementwise(plan, units, producer, read->second);
        }
        const std::vector<bool> after = descendants_of(dependencies, producer);
        for (const std::size_t unit : before) in_place = in_place && (unit == producer || !after[unit]);
        dependencies.in_place.push_back(in_place);
        std::size_t writer = producer;
        if (!in_place) {
            writer = grow(dependencies);
            units.list.push_back({Unit::Kind::commit, {update.value}, {}, i});
            add_edge(dependencies, producer, writer);
        }
        dependencies.writes[writer] = true;
        for (const std::size_t unit : before) add_edge(dependencies, unit, writer);
    }
    return dependencies;
}

std::vector<std::size_t> schedule(const Units& units, const Dependencies& dependencies, Order order) {
    std::vector<std::size_t> waiting = dependencies.predecessors;
    std::size_t readied = 0;
    // Smaller keys run first: (class, rank); ties cannot occur since ranks differ.
    using Entry = std::pair<std::pair<std::size_t, std::size_t>, std::size_t>;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
    const auto push = [&](std::size_t unit) {
        const std::size_t creation = units.list[unit].nodes.back() * units.list.size() + unit;
        ++readied;
        switch (order) {
            case Order::creation:
                ready.push({{0, creation}, unit});
                break;
            case Order::updates_first:
                ready.push({{dependencies.writes[unit] ? 0 : 1, creation}, unit});
                break;
            case Order::depth_first:
                ready.push({{0, ~readied}, unit});
                break;
        }
    };
    for (std::size_t unit = 0; unit < waiting.size(); ++unit)
        if (waiting[unit] == 0) push(unit);
    std::vector<std::size_t> sequence;
    while (!ready.empty()) {
        const std::size_t unit = ready.top().second;
        ready.pop();
        sequence.push_back(unit);
        for (const std::size_t successor : dependencies.successors[unit])
            if (--waiting[successor] == 0) push(successor);
    }
    assert(sequence.size() == units.list.size());
    return sequence;
}

}  // namespace duet
