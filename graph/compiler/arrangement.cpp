#include <duet/graph/compiler/arrangement.hpp>

#include <algorithm>

namespace duet {

namespace {

constexpr std::size_t most_rounds = 16;
constexpr std::size_t spare_bytes = 64 * 1024;

Arrangement arranged(const Plan& plan, bool fuse, const std::vector<bool>& alone, std::size_t element_bytes,
                     bool share) {
    Arrangement result{group_into_units(plan, fuse, alone), {}};
    const Dependencies dependencies = find_dependencies(plan, result.units);
    result.layout = plan_layout(plan, result.units, dependencies, element_bytes, share);
    return result;
}

/// At most a quarter more, or little in all.
bool takes_little_more(const MemoryPlan& fused, const MemoryPlan& plain) {
    return fused.bytes <= std::max(plain.bytes + plain.bytes / 4, plain.bytes + spare_bytes);
}

std::size_t peak_step(const Layout& layout) {
    std::vector<std::size_t> live(layout.sequence.size(), 0);
    for (const Lifetime& each : layout.lifetimes)
        for (std::size_t step = each.first; step <= each.last; ++step) live[step] += each.bytes;
    return static_cast<std::size_t>(std::max_element(live.begin(), live.end()) - live.begin());
}

/// Of the fused units that are the last to read what is alive at the peak, takes those for which most waits,
/// and sets their nodes that read it, or the head that reads it, alone. False if none is left.
bool separate_at_peak(const Plan& plan, const Arrangement& arrangement, std::vector<bool>& alone) {
    const Units& units = arrangement.units;
    const Layout& layout = arrangement.layout;
    const std::size_t peak = peak_step(layout);
    const auto waiting_bytes = [&](std::size_t value, std::size_t step) -> std::size_t {
        const auto buffer = layout.buffer[value];
        if (!buffer) return 0;
        const Lifetime& life = layout.lifetimes[*buffer];
        return life.first <= peak && life.last == step ? life.bytes : 0;
    };
    std::vector<std::size_t> waiting(layout.sequence.size(), 0);
    for (std::size_t step = peak; step < layout.sequence.size(); ++step) {
        const Unit& unit = units.list[layout.sequence[step]];
        if (unit.kind != Unit::Kind::elementwise || (unit.nodes.size() == 1 && !unit.head)) continue;
        for (const std::size_t value : values_read(plan, units, layout.sequence[step]))
            waiting[step] += waiting_bytes(value, step);
    }
    const std::size_t most = *std::max_element(waiting.begin(), waiting.end());
    bool separated = false;
    for (std::size_t step = peak; step < layout.sequence.size(); ++step) {
        if (waiting[step] == 0 || waiting[step] < most / 2) continue;
        for (const std::size_t node : computed_nodes(units.list[layout.sequence[step]]))
            for (const std::size_t input : plan.nodes[node].inputs)
                if (!alone[node] && waiting_bytes(units.base[input], step) > 0)
                    separated = alone[node] = true;
    }
    return separated;
}

}  // namespace

Arrangement arrange(const Plan& plan, bool fuse, std::size_t element_bytes, bool share) {
    std::vector<bool> alone(plan.nodes.size(), false);
    Arrangement plain = arranged(plan, false, alone, element_bytes, share);
    if (!fuse) return plain;
    for (std::size_t round = 0; round < most_rounds; ++round) {
        Arrangement fused = arranged(plan, true, alone, element_bytes, share);
        if (takes_little_more(fused.layout.memory, plain.layout.memory)) {
            std::size_t& bound = fused.layout.memory.bound;
            bound = std::min(bound, plain.layout.memory.bound);
            return fused;
        }
        if (!separate_at_peak(plan, fused, alone)) break;
    }
    return plain;
}

}  // namespace duet
