#include <duet/graph/compiler/lowering.hpp>

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include <duet/graph/leaves.hpp>

namespace duet {

namespace {

/// Turns a plan with a layout into a program's instructions and slots.
template <class T>
class Lowering {
 public:
    using State = typename Program<T>::State;

    Lowering(const Graph& graph, const Plan& plan, const Arrangement& arrangement, State& state)
        : graph_(graph),
          plan_(plan),
          units_(arrangement.units),
          layout_(arrangement.layout),
          state_(state),
          slot_of_buffer_(layout_.memory.offsets.size()),
          slot_of_node_(plan.nodes.size()) {}

    void lower(const CompileOptions& options) {
        if (options.machine_code) code_ = MachineCode::create();
        new_slot(nullptr);
        for (std::size_t i = 0; i < plan_.nodes.size(); ++i) lower_leaf(i);
        for (const PlannedUpdate& update : plan_.updates) {
            const std::size_t slot = variable_slot(update.variable);
            for (auto& variable : state_.variables) variable.updated |= variable.slot == slot;
        }
        for (const std::size_t fetch : plan_.fetches)
            state_.fetches.push_back(filled(plan_.nodes[fetch].shape, T(0)));
        for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
            if (layout_.update[i])
                slot_of_node_[i] = variable_slot(plan_.updates[*layout_.update[i]].variable);
            else if (layout_.fetch[i])
                slot_of_node_[i] = new_slot(state_.fetches[*layout_.fetch[i]].data());
            else if (layout_.buffer[i])
                slot_of_node_[i] = buffer_slot(*layout_.buffer[i]);
        }
        instruction_of_unit_.resize(units_.list.size());
        for (const std::size_t unit : layout_.sequence) {
            if (fetched_directly(units_.list[unit])) continue;
            instruction_of_unit_[unit] = state_.instructions.size();
            append(lower_unit(unit), cost_of(unit));
            if (options.scan) scan_unit(unit);
        }
        if (options.fuse && !options.scan)
            group();
        else
            for (std::size_t i = 0; i < state_.instructions.size(); ++i)
                state_.groups.push_back({i, i + 1, state_.instructions[i]->tiles()});
        state_.progress = std::vector<typename State::Progress>(state_.groups.size());
        if (code_) code_->finish();
        state_.arena.state().reserve(layout_.memory.bytes, scratch_bytes_);
        report();
    }

 private:
    /// True for the copy of a value that is computed where it is fetched.
    bool fetched_directly(const Unit& unit) const {
        return unit.kind == Unit::Kind::fetch &&
               layout_.fetch[units_.base[plan_.fetches[unit.target]]] == unit.target;
    }

    std::size_t new_slot(T* address) {
        state_.slots.push_back(address);
        return state_.slots.size() - 1;
    }

    std::string describe(std::size_t node) const { return describe_node(graph_, plan_.nodes[node].origin); }

    void lower_leaf(std::size_t node) {
        const Op* op = plan_.nodes[node].op.get();
        if (const auto* constant = dynamic_cast<const ConstantOp*>(op)) {
            state_.constants.emplace_back(constant->values().begin(), constant->values().end());
            slot_of_node_[node] = new_slot(state_.constants.back().data());
        } else if (const auto* variable = dynamic_cast<const VariableOp*>(op)) {
            slot_of_node_[node] = variable_slot(variable->variable());
        } else if (dynamic_cast<const InputOp*>(op)) {
            slot_of_node_[node] = new_slot(nullptr);
            state_.feeds.push_back({plan_.nodes[node].origin, "input " + describe(node),
                                    plan_.nodes[node].shape, slot_of_node_[node], false});
        }
    }

    std::size_t variable_slot(const Variable& variable) {
        for (const auto& known : state_.variables)
            if (known.variable == variable) return known.slot;
        const std::size_t slot = new_slot(variable.template data<T>());
        state_.variables.push_back({variable, slot, false});
        return slot;
    }

    std::size_t buffer_slot(std::size_t buffer) {
        std::size_t& slot = slot_of_buffer_[buffer];
        if (slot == 0) {
            slot = new_slot(nullptr);
            state_.arena_slots.push_back({slot, layout_.memory.offsets[buffer]});
        }
        return slot;
    }

    std::size_t slot_of(std::size_t node) const { return slot_of_node_[units_.base[node]]; }

    std::unique_ptr<KernelInstruction<T>> lower_kernel(std::size_t node) {
        KernelSlots slots{{}, slot_of(node), 0};
        for (const std::size_t input : plan_.nodes[node].inputs) slots.inputs.push_back(slot_of(input));
        if (const auto workspace = layout_.workspace[node]) slots.workspace = buffer_slot(*workspace);
        auto instruction = std::make_unique<KernelInstruction<T>>(
            plan_.nodes[node].op, input_shapes(plan_, node), plan_.nodes[node].shape, std::move(slots));
        scratch_bytes_ = std::max(scratch_bytes_, instruction->scratch_bytes());
        return instruction;
    }

    std::unique_ptr<Instruction<T>> lower_elementwise(std::size_t index) {
        using Place = typename ElementwiseProgram<T>::Place;
        const Unit& unit = units_.list[index];
        ElementwiseProgram<T> program;
        std::vector<typename ElementwiseInstruction<T>::Operand> operands;
        std::vector<std::size_t> result_slots;
        std::map<std::size_t, Place> places;
        std::size_t registers = 0;
        const auto place_of = [&](std::size_t node) {
            const auto known = places.find(node);
            if (known != places.end()) return known->second;
            const std::size_t slot = slot_of_node_[units_.source_of(node)];
            std::size_t operand = 0;
            if (const auto repeated = units_.repeated[node]) {
                const Shape& shape = plan_.nodes[*repeated].shape;
                operands.push_back({slot, shape.elements()});
                operand = program.add_operand({shape, plan_.nodes[node].shape});
            } else {
                operands.push_back({slot, 0});
                operand = program.add_operand();
            }
            return places.emplace(node, Place{Place::Kind::operand, operand}).first->second;
        };
        for (const std::size_t node : unit.nodes) {
            std::vector<Place> inputs;
            for (const std::size_t input : plan_.nodes[node].inputs) inputs.push_back(place_of(input));
            Place output{Place::Kind::register_, 0};
            const bool reduced = !unit.tails.empty() && node == unit.nodes.back();
            if (units_.stored[node] || reduced) {
                result_slots.push_back(slot_of(node));
                output = {Place::Kind::result, program.add_result()};
            } else {
                output.index = registers++;
            }
            program.add_step(plan_.nodes[node].op, std::move(inputs), output);
            places.emplace(node, output);
        }
        for (std::size_t operand = 0; operand < operands.size(); ++operand)
            for (std::size_t result = 0; result < result_slots.size(); ++result)
                if (operands[operand].slot == result_slots[result] && result_slots[result] != 0)
                    program.set_shared(operand, result);
        const std::size_t elements = plan_.nodes[unit.nodes.back()].shape.elements();
        program.prepare(elements, code_);
        auto instruction = std::make_unique<ElementwiseInstruction<T>>(
            std::move(program), unit.head ? lower_kernel(*unit.head) : nullptr,
            lower_tails(unit, result_slots.size() - 1), std::move(operands), std::move(result_slots),
            elements);
        scratch_bytes_ = std::max(scratch_bytes_, instruction->scratch_bytes());
        return instruction;
    }

    /// `result` is the number of the unit's last result, which tails read.
    Tails<T> lower_tails(const Unit& unit, std::size_t result) {
        Tails<T> tails;
        if (unit.tails.empty()) return tails;
        for (const std::size_t tail : unit.tails) tails.kernels.push_back(lower_kernel(tail));
        tails.regions = tail_regions(plan_, unit);
        tails.result = result;
        tails.transient = !units_.stored[unit.nodes.back()];
        return tails;
    }

    WatchedValue watch(std::size_t node) const {
        return {slot_of(node), plan_.nodes[node].shape.elements(), describe(node)};
    }

    std::unique_ptr<Instruction<T>> lower_unit(std::size_t index) {
        const Unit& unit = units_.list[index];
        const std::size_t node = unit.nodes.back();
        const std::size_t elements = plan_.nodes[node].shape.elements();
        switch (unit.kind) {
            case Unit::Kind::kernel:
                return lower_kernel(node);
            case Unit::Kind::elementwise:
                return lower_elementwise(index);
            case Unit::Kind::fetch:
                return std::make_unique<CopyInstruction<T>>(
                    slot_of(node), new_slot(state_.fetches[unit.target].data()), elements);
            case Unit::Kind::commit:
                return std::make_unique<CopyInstruction<T>>(
                    slot_of(node), variable_slot(plan_.updates[unit.target].variable), elements);
            case Unit::Kind::check:
                break;
        }
        std::vector<WatchedValue> values;
        for (const std::size_t each : unit.nodes) values.push_back(watch(each));
        return std::make_unique<CheckInstruction<T>>(std::move(values), std::vector<WatchedValue>{},
                                                     leaves_of(unit.nodes));
    }

    /// The variables and inputs that values are computed from.
    std::vector<WatchedValue> leaves_of(const std::vector<std::size_t>& values) const {
        const std::vector<bool> needed = needed_for(plan_, values);
        std::vector<WatchedValue> leaves;
        for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
            const Op* op = plan_.nodes[i].op.get();
            if (!needed[i]) continue;
            const bool is_variable = dynamic_cast<const VariableOp*>(op) != nullptr;
            if (is_variable || dynamic_cast<const InputOp*>(op))
                leaves.push_back({slot_of(i), plan_.nodes[i].shape.elements(),
                                  fmt::format("{} {}", op->name(), describe(i)), is_variable});
        }
        return leaves;
    }

    void scan_unit(std::size_t index) {
        const Unit& unit = units_.list[index];
        if (unit.kind != Unit::Kind::kernel) return;
        std::vector<WatchedValue> operands;
        for (const std::size_t input : plan_.nodes[unit.nodes.back()].inputs)
            operands.push_back(watch(input));
        append(std::make_unique<CheckInstruction<T>>(std::vector<WatchedValue>{watch(unit.nodes.back())},
                                                     std::move(operands), std::vector<WatchedValue>{}),
               {"scan", 0, 0, true, {}});
    }

    void append(std::unique_ptr<Instruction<T>> instruction, typename State::InstructionCost cost) {
        state_.instructions.push_back(std::move(instruction));
        state_.costs.push_back(std::move(cost));
    }

    /// Cuts the instructions into groups that need no barrier within.
    void group() {
        Locations locations;
        for (std::size_t slot = 0; slot < state_.slots.size(); ++slot) locations.push_back({slot + 2, 0});
        for (const auto& each : state_.arena_slots) locations[each.slot] = {0, each.offset};
        std::vector<Footprint> footprints;
        for (const auto& instruction : state_.instructions)
            footprints.push_back(instruction->footprint(locations));
        // What may fail and what writes a variable touch one imaginary byte, so that no thread writes while
        // another may still fail.
        constexpr std::size_t verdict = 1;
        for (std::size_t i = 0; i < footprints.size(); ++i) {
            auto& accesses = footprints[i].accesses;
            const bool commits = std::any_of(accesses.begin(), accesses.end(), [&](const auto& access) {
                return access.writes && writes_variable(access.memory);
            });
            if (commits) accesses.push_back({verdict, false, false, {{0, 1}}});
            if (state_.costs[i].may_fail) accesses.push_back({verdict, true, false, {{0, 1}}});
        }
        state_.groups = group_into_bands(footprints, state_.arena.threads());
        for (const BandGroup& group : state_.groups)
            for (std::size_t i = group.begin; i < group.end && group.end - group.begin > 1; ++i)
                if (footprints[i].divisible > 0)
                    state_.instructions[i]->cut(footprints[i].tiles_in(group.bands));
    }

    /// `memory` as `group` numbers it.
    bool writes_variable(std::size_t memory) const {
        return std::any_of(state_.variables.begin(), state_.variables.end(),
                           [&](const auto& variable) { return variable.slot + 2 == memory; });
    }

    double flops_of(std::size_t node) const {
        const std::vector<Shape> shapes = input_shapes(plan_, node);
        return plan_.nodes[node].op->flops({shapes, plan_.nodes[node].shape});
    }

    /// Names the unit's first node that may fail, and its inputs.
    std::string origin_of(const Unit& unit) const {
        for (const std::size_t node : computed_nodes(unit)) {
            if (!plan_.nodes[node].op->may_fail()) continue;
            std::string text = describe(node) + ", of ";
            for (const std::size_t input : plan_.nodes[node].inputs) text += describe(input) + "; ";
            return text;
        }
        return {};
    }

    typename State::InstructionCost cost_of(std::size_t index) const {
        const Unit& unit = units_.list[index];
        const auto bytes = [&](std::size_t node) {
            return static_cast<double>(plan_.nodes[node].shape.elements() * sizeof(T));
        };
        typename State::InstructionCost cost{{}, 0, 0, may_fail(plan_, unit), origin_of(unit)};
        for (const std::size_t value : values_read(plan_, units_, index)) cost.bytes += bytes(value);
        switch (unit.kind) {
            case Unit::Kind::fetch:
                cost.name = "fetch";
                break;
            case Unit::Kind::check:
                cost.name = "check";
                break;
            case Unit::Kind::commit:
                cost.name = "commit";
                break;
            case Unit::Kind::kernel:
            case Unit::Kind::elementwise:
                for (const std::size_t node : computed_nodes(unit)) {
                    cost.name += (cost.name.empty() ? "" : " ") + plan_.nodes[node].op->name();
                    cost.flops += flops_of(node);
                    if (units_.stored[node]) cost.bytes += bytes(node);
                }
        }
        if (const std::string& name = graph_.node(plan_.nodes[unit.nodes.back()].origin).name; !name.empty())
            cost.name += " (" + name + ")";
        return cost;
    }

    std::string place(std::size_t node) const {
        const Op* op = plan_.nodes[node].op.get();
        if (dynamic_cast<const ConstantOp*>(op)) return "constant";
        if (dynamic_cast<const VariableOp*>(op)) return "variable";
        if (dynamic_cast<const InputOp*>(op)) return "input";
        const std::size_t base = units_.base[node];
        if (layout_.update[base]) return "variable " + plan_.updates[*layout_.update[base]].variable.name();
        if (layout_.fetch[base]) return fmt::format("fetch {}", *layout_.fetch[base]);
        if (layout_.buffer[base])
            return fmt::format("arena+{}", layout_.memory.offsets[*layout_.buffer[base]]);
        return base == node ? "fused" : place(base);
    }

    void report() {
        state_.report.order = to_string(layout_.order);
        state_.report.instructions = state_.instructions.size();
        state_.report.groups = state_.groups.size();
        state_.report.arena_bytes = layout_.memory.bytes;
        state_.report.bound_bytes = layout_.memory.bound;
        state_.report.flops = 0;
        for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
            const PlanNode& node = plan_.nodes[i];
            const Node& origin = graph_.node(node.origin);
            std::string op = node.op->name();
            if (const Attributes attributes = node.op->attributes(); !attributes.empty())
                op += "(" + to_string(attributes) + ")";
            NodeReport line{i,
                            node.origin,
                            origin.name,
                            std::move(op),
                            to_string(node.shape),
                            node.inputs,
                            flops_of(i),
                            node.shape.elements() * sizeof(T),
                            place(i),
                            {},
                            to_string(origin.where)};
            if (const auto unit = units_.of_node[i]) line.instruction = instruction_of_unit_[*unit];
            state_.report.flops += line.flops;
            state_.nodes.push_back(std::move(line));
        }
        std::stable_sort(
            state_.nodes.begin(), state_.nodes.end(),
            [](const NodeReport& a, const NodeReport& b) { return a.instruction < b.instruction; });
    }

    const Graph& graph_;
    const Plan& plan_;
    const Units& units_;
    const Layout& layout_;
    State& state_;
    std::vector<std::size_t> slot_of_buffer_, slot_of_node_, instruction_of_unit_;
    std::size_t scratch_bytes_ = 0;
    std::shared_ptr<MachineCode> code_;
};

}  // namespace

template <class T>
void lower(const Graph& graph, const Plan& plan, const Arrangement& arrangement,
           const CompileOptions& options, typename Program<T>::State& state) {
    Lowering<T>(graph, plan, arrangement, state).lower(options);
}

template void lower<float>(const Graph&, const Plan&, const Arrangement&, const CompileOptions&,
                           Program<float>::State&);
template void lower<double>(const Graph&, const Plan&, const Arrangement&, const CompileOptions&,
                            Program<double>::State&);

}  // namespace duet
