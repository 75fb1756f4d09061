#include <duet/graph/compiler/layout.hpp>

#include <algorithm>

namespace duet {

namespace {

class Placement {
 public:
    Placement(const Plan& plan, const Units& units, const Dependencies& dependencies,
              std::size_t element_bytes, bool share, const std::vector<std::vector<std::size_t>>& reads)
        : plan_(plan),
          units_(units),
          dependencies_(dependencies),
          element_bytes_(element_bytes),
          share_(share),
          reads_(reads) {}

    Layout place(Order order) {
        layout_.order = order;
        layout_.sequence = schedule(units_, dependencies_, order);
        layout_.buffer.resize(plan_.nodes.size());
        layout_.update.resize(plan_.nodes.size());
        layout_.fetch.resize(plan_.nodes.size());
        layout_.workspace.resize(plan_.nodes.size());
        last_read_.assign(plan_.nodes.size(), 0);
        for (std::size_t step = 0; step < layout_.sequence.size(); ++step)
            for (const std::size_t value : reads_[layout_.sequence[step]]) last_read_[value] = step;
        for (std::size_t i = 0; i < plan_.updates.size(); ++i)
            if (dependencies_.in_place[i]) layout_.update[units_.base[plan_.updates[i].value]] = i;
        for (std::size_t i = plan_.fetches.size(); i-- > 0;) fetch_directly(i);
        for (std::size_t step = 0; step < layout_.sequence.size(); ++step) place_unit(step);
        layout_.memory = plan_memory(layout_.lifetimes);
        return std::move(layout_);
    }

 private:
    /// A fetched value is computed where it is read, unless it is in a variable or over the buffer of a head.
    void fetch_directly(std::size_t fetch) {
        const std::size_t value = units_.base[plan_.fetches[fetch]];
        const auto unit = units_.of_node[value];
        if (!share_ || !unit || layout_.update[value]) return;
        const bool over_head = units_.list[*unit].head && units_.list[*unit].nodes.back() == value;
        if (!over_head) layout_.fetch[value] = fetch;
    }

    bool placed(std::size_t node) const {
        return layout_.update[node] || layout_.fetch[node] || layout_.buffer[node];
    }

    void place_unit(std::size_t step) {
        const std::size_t index = layout_.sequence[step];
        const Unit& unit = units_.list[index];
        if (!unit.computes()) return;
        const std::size_t root = unit.nodes.back();
        if (unit.head) {
            if (const auto buffer = operand_to_accumulate_on(*unit.head, step))
                take_over(*unit.head, *buffer, step);
            else
                layout_.buffer[*unit.head] = new_buffer(*unit.head, step);
            if (!layout_.update[root] && units_.stored[root])
                take_over(root, *layout_.buffer[*unit.head], step);
        }
        for (const std::size_t node : unit.nodes) {
            if (!units_.stored[node] || placed(node)) continue;
            if (const auto buffer = dying_operand(index, node, step))
                take_over(node, *buffer, step);
            else
                layout_.buffer[node] = new_buffer(node, step);
        }
        for (const std::size_t tail : unit.tails) {
            if (!placed(tail)) layout_.buffer[tail] = new_buffer(tail, step);
            place_workspace(tail, step);
        }
        place_workspace(unit.head.value_or(root), step);
    }

    void place_workspace(std::size_t node, std::size_t step) {
        const std::vector<Shape> shapes = input_shapes(plan_, node);
        const std::size_t workspace = plan_.nodes[node].op->workspace({shapes, plan_.nodes[node].shape});
        if (workspace == 0) return;
        layout_.workspace[node] = layout_.lifetimes.size();
        layout_.lifetimes.push_back({workspace * element_bytes_, step, step});
    }

    std::size_t new_buffer(std::size_t node, std::size_t step) {
        layout_.lifetimes.push_back(
            {plan_.nodes[node].shape.elements() * element_bytes_, step, std::max(step, last_read_[node])});
        return layout_.lifetimes.size() - 1;
    }

    void take_over(std::size_t node, std::size_t buffer, std::size_t step) {
        layout_.buffer[node] = buffer;
        layout_.lifetimes[buffer].last = std::max({layout_.lifetimes[buffer].last, step, last_read_[node]});
    }

    /// The buffer of an input that the head may write over, if this step is the last to need it.
    std::optional<std::size_t> operand_to_accumulate_on(std::size_t head, std::size_t step) const {
        const PlanNode& node = plan_.nodes[head];
        for (std::size_t i = 0; share_ && i < node.inputs.size(); ++i) {
            const std::size_t value = units_.base[node.inputs[i]];
            const auto buffer = layout_.buffer[value];
            if (!node.op->in_place(i) || !buffer || layout_.lifetimes[*buffer].last != step) continue;
            const auto reads = std::count_if(node.inputs.begin(), node.inputs.end(),
                                             [&](std::size_t input) { return units_.base[input] == value; });
            if (reads == 1 && !read_by_epilogue(value, *units_.of_node[head])) return buffer;
        }
        return {};
    }

    /// True if elementwise nodes of the unit read `value` too.
    bool read_by_epilogue(std::size_t value, std::size_t unit) const {
        for (const std::size_t node : units_.list[unit].nodes)
            for (const std::size_t input : plan_.nodes[node].inputs)
                if (units_.source_of(input) == value) return true;
        return false;
    }

    std::optional<std::size_t> dying_operand(std::size_t index, std::size_t node, std::size_t step) const {
        if (!share_) return {};
        for (const std::size_t value : reads_[index]) {
            const auto buffer = layout_.buffer[value];
            if (!buffer || layout_.lifetimes[*buffer].last != step) continue;
            if (plan_.nodes[value].shape.elements() != plan_.nodes[node].shape.elements()) continue;
            const bool taken =
                std::any_of(units_.list[index].nodes.begin(), units_.list[index].nodes.end(),
                            [&](std::size_t other) { return layout_.buffer[other] == buffer; });
            if (!taken && reads_elementwise(plan_, units_, index, value)) return buffer;
        }
        return {};
    }

    const Plan& plan_;
    const Units& units_;
    const Dependencies& dependencies_;
    const std::size_t element_bytes_;
    const bool share_;
    const std::vector<std::vector<std::size_t>>& reads_;
    std::vector<std::size_t> last_read_;
    Layout layout_;
};

}  // namespace

Layout plan_layout(const Plan& plan, const Units& units, const Dependencies& dependencies,
                   std::size_t element_bytes, bool share) {
    std::vector<std::vector<std::size_t>> reads(units.list.size());
    for (std::size_t unit = 0; unit < units.list.size(); ++unit) reads[unit] = values_read(plan, units, unit);
    Layout best;
    std::size_t bound = 0;
    for (const Order order : {Order::creation, Order::updates_first, Order::depth_first}) {
        Layout layout = Placement(plan, units, dependencies, element_bytes, share, reads).place(order);
        bound = order == Order::creation ? layout.memory.bound : std::min(bound, layout.memory.bound);
        if (order == Order::creation || layout.memory.bytes < best.memory.bytes) best = std::move(layout);
    }
    best.memory.bound = bound;
    return best;
}

}  // namespace duet
