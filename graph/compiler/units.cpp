#include <duet/graph/compiler/units.hpp>

#include <algorithm>

namespace duet {

namespace {

/// The region that `region_of` names for each tile of a node's op.
template <class RegionOf>
std::vector<Region> regions_by_tile(const Plan& plan, std::size_t node, const RegionOf& region_of) {
    const Op& op = *plan.nodes[node].op;
    const std::vector<Shape> shapes = input_shapes(plan, node);
    const Signature signature{shapes, plan.nodes[node].shape};
    std::vector<Region> regions(op.tiles(signature));
    for (std::size_t tile = 0; tile < regions.size(); ++tile) regions[tile] = region_of(op, signature, tile);
    return regions;
}

std::vector<Region> regions_made(const Plan& plan, std::size_t node) {
    return regions_by_tile(plan, node, [](const Op& op, const Signature& signature, std::size_t tile) {
        return op.region(signature, tile);
    });
}

std::vector<Region> regions_read(const Plan& plan, std::size_t node) {
    return regions_by_tile(plan, node, [](const Op& op, const Signature& signature, std::size_t tile) {
        return *op.region_read(signature, 0, tile);
    });
}

class Grouping {
 public:
    Grouping(const Plan& plan, bool fuse, const std::vector<bool>& alone)
        : plan_(plan), fuse_(fuse), alone_(alone), consumers_(consumers_of(plan)) {
        units_.of_node.resize(plan.nodes.size());
        units_.stored.assign(plan.nodes.size(), false);
        units_.base.resize(plan.nodes.size());
        units_.repeated.resize(plan.nodes.size());
        wanted_.assign(plan.nodes.size(), false);
    }

    Units group() {
        for (std::size_t i = 0; i < plan_.nodes.size(); ++i)
            units_.base[i] = plan_.nodes[i].op->aliases() ? units_.base[plan_.nodes[i].inputs.front()] : i;
        for (const std::size_t fetch : plan_.fetches) wanted_[units_.base[fetch]] = true;
        for (const std::size_t check : plan_.checks) wanted_[units_.base[check]] = true;
        for (const PlannedUpdate& update : plan_.updates) wanted_[units_.base[update.value]] = true;
        for (std::size_t i = plan_.nodes.size(); i-- > 0;) place(i);
        for (Unit& unit : units_.list) std::reverse(unit.nodes.begin(), unit.nodes.end());
        if (fuse_)
            for (std::size_t unit = 0; unit < units_.list.size(); ++unit) {
                attach_head(unit);
                attach_tails(unit);
            }
        drop_empty_units();
        append_copies_and_checks();
        return std::move(units_);
    }

 private:
    void place(std::size_t node) {
        const Op& op = *plan_.nodes[node].op;
        if (is_leaf(plan_.nodes[node])) {
            units_.stored[node] = true;
            return;
        }
        if (op.aliases()) return;
        if (fuse_ && op.expands() && !wanted_[node] && read_by_elementwise_alone(node)) {
            units_.repeated[node] = plan_.nodes[node].inputs.front();
            return;
        }
        if (fuse_ && op.elementwise() && !alone_[node]) {
            if (const auto unit = common_unit_of_consumers(node)) {
                units_.list[*unit].nodes.push_back(node);
                units_.of_node[node] = unit;
                units_.stored[node] = wanted_[node];
                return;
            }
        }
        units_.of_node[node] = units_.list.size();
        units_.stored[node] = true;
        units_.list.push_back(
            {fuse_ && op.elementwise() ? Unit::Kind::elementwise : Unit::Kind::kernel, {node}, {}});
    }

    bool read_by_elementwise_alone(std::size_t node) const {
        return std::all_of(consumers_[node].begin(), consumers_[node].end(),
                           [&](std::size_t consumer) { return plan_.nodes[consumer].op->elementwise(); });
    }

    std::optional<std::size_t> common_unit_of_consumers(std::size_t node) const {
        std::optional<std::size_t> common;
        for (const std::size_t consumer : consumers_[node]) {
            const Op& op = *plan_.nodes[consumer].op;
            if (!op.elementwise()) return {};
            const auto unit = units_.of_node[consumer];
            if (common && common != unit) return {};
            common = unit;
        }
        return common;
    }

    void attach_head(std::size_t index) {
        Unit& unit = units_.list[index];
        if (unit.kind != Unit::Kind::elementwise) return;
        for (const std::size_t node : unit.nodes)
            for (const std::size_t input : plan_.nodes[node].inputs) {
                if (!plan_.nodes[input].op->accepts_epilogue() || wanted_[input] || alone_[input]) continue;
                const bool only_reader =
                    std::all_of(consumers_[input].begin(), consumers_[input].end(),
                                [&](std::size_t consumer) { return units_.of_node[consumer] == index; });
                if (!only_reader || !has_long_runs(input)) continue;
                units_.list[*units_.of_node[input]].nodes.clear();
                units_.of_node[input] = index;
                unit.head = input;
                return;
            }
    }

    void attach_tails(std::size_t index) {
        Unit& unit = units_.list[index];
        if (unit.kind != Unit::Kind::elementwise) return;
        const std::size_t root = unit.nodes.back();
        bool stored = wanted_[root];
        for (const std::size_t reader : readers_of(root)) {
            if (accepts_tail(unit, reader)) {
                units_.list[*units_.of_node[reader]].nodes.clear();
                units_.of_node[reader] = index;
                unit.tails.push_back(reader);
            } else {
                stored = true;
            }
        }
        units_.stored[root] = stored;
    }

    /// The nodes that read a value or what is an alias of it.
    std::vector<std::size_t> readers_of(std::size_t value) const {
        std::vector<std::size_t> readers, open{value};
        while (!open.empty()) {
            const std::size_t next = open.back();
            open.pop_back();
            for (const std::size_t consumer : consumers_[next])
                (plan_.nodes[consumer].op->aliases() ? open : readers).push_back(consumer);
        }
        return readers;
    }

    /// True if the reduction cuts its input as the unit's other tails do, or nests in the tiles of its head.
    bool accepts_tail(const Unit& unit, std::size_t reader) const {
        const PlanNode& node = plan_.nodes[reader];
        if (!node.op->accepts_prologue() || node.inputs.size() != 1) return false;
        const std::vector<Region> regions = regions_read(plan_, reader);
        if (!unit.tails.empty()) return regions == tail_regions(plan_, unit);
        if (!unit.head) return true;
        const std::vector<Region> tiles = regions_made(plan_, *unit.head);
        return std::all_of(regions.begin(), regions.end(), [&](const Region& region) {
            return std::any_of(tiles.begin(), tiles.end(),
                               [&](const Region& tile) { return nests(region, tile); });
        });
    }

    /// Short runs cost more in calls than is gained by finding them in cache.
    bool has_long_runs(std::size_t node) const {
        constexpr std::size_t shortest = 128;
        const std::vector<Shape> shapes = input_shapes(plan_, node);
        const Region region = plan_.nodes[node].op->region({shapes, plan_.nodes[node].shape}, 0);
        return contiguous(region) || region.length >= shortest;
    }

    void drop_empty_units() {
        std::vector<std::size_t> position(units_.list.size());
        std::vector<Unit> kept;
        for (std::size_t i = 0; i < units_.list.size(); ++i) {
            position[i] = kept.size();
            if (!units_.list[i].nodes.empty()) kept.push_back(std::move(units_.list[i]));
        }
        units_.list = std::move(kept);
        for (auto& unit : units_.of_node)
            if (unit) unit = position[*unit];
    }

    void append_copies_and_checks() {
        if (!plan_.checks.empty()) units_.list.push_back({Unit::Kind::check, plan_.checks, {}});
        for (std::size_t i = 0; i < plan_.fetches.size(); ++i)
            units_.list.push_back({Unit::Kind::fetch, {plan_.fetches[i]}, {}, i});
    }

    const Plan& plan_;
    const bool fuse_;
    const std::vector<bool>& alone_;
    const std::vector<std::vector<std::size_t>> consumers_;
    std::vector<bool> wanted_;
    Units units_;
};

}  // namespace

std::vector<std::size_t> computed_nodes(const Unit& unit) {
    std::vector<std::size_t> nodes;
    if (!unit.computes()) return nodes;
    if (unit.head) nodes.push_back(*unit.head);
    nodes.insert(nodes.end(), unit.nodes.begin(), unit.nodes.end());
    nodes.insert(nodes.end(), unit.tails.begin(), unit.tails.end());
    return nodes;
}

std::vector<Region> tail_regions(const Plan& plan, const Unit& unit) {
    return regions_read(plan, unit.tails.front());
}

Units group_into_units(const Plan& plan, bool fuse, const std::vector<bool>& alone) {
    return Grouping(plan, fuse, alone).group();
}

std::vector<std::size_t> values_read(const Plan& plan, const Units& units, std::size_t index) {
    const Unit& unit = units.list[index];
    std::vector<std::size_t> values;
    const auto read = [&](std::size_t node) {
        const std::size_t value = units.source_of(node);
        if (units.of_node[value] != index && std::find(values.begin(), values.end(), value) == values.end())
            values.push_back(value);
    };
    if (!unit.computes())
        for (const std::size_t node : unit.nodes) read(node);
    for (const std::size_t node : computed_nodes(unit))
        for (const std::size_t input : plan.nodes[node].inputs) read(input);
    return values;
}

}  // namespace duet
