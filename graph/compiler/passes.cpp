#include <duet/graph/compiler/passes.hpp>

#include <algorithm>
#include <optional>
#include <typeinfo>
#include <unordered_map>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/graph/leaves.hpp>
#include <duet/graph/runtime/arena_state.hpp>

namespace duet {

namespace {

constexpr std::size_t largest_folded_constant = 1 << 16;

const ConstantOp* as_constant(const PlanNode& node) {
    return dynamic_cast<const ConstantOp*>(node.op.get());
}

/// Copies a plan node by node; `rewrite(copy, node)` appends to the copy what stands for the node, whose
/// inputs already point into the copy, and returns its index there.
template <class Rewrite>
Plan rebuild(const Plan& plan, Rewrite&& rewrite) {
    Plan copy;
    copy.nodes.reserve(plan.nodes.size());
    std::vector<std::size_t> position(plan.nodes.size());
    for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
        PlanNode node = plan.nodes[i];
        for (std::size_t& input : node.inputs) input = position[input];
        position[i] = rewrite(copy, std::move(node), i);
    }
    for (const std::size_t fetch : plan.fetches) copy.fetches.push_back(position[fetch]);
    for (const std::size_t check : plan.checks) copy.checks.push_back(position[check]);
    for (const PlannedUpdate& update : plan.updates)
        copy.updates.push_back({update.variable, position[update.value], update.where});
    return copy;
}

std::size_t append(Plan& plan, PlanNode node) {
    plan.nodes.push_back(std::move(node));
    return plan.nodes.size() - 1;
}

std::vector<std::size_t> updated_values(const Plan& plan) {
    std::vector<std::size_t> values;
    for (const PlannedUpdate& update : plan.updates) values.push_back(update.value);
    return values;
}

/// Adds the losses whose gradients reach an update to the checks of a plan that still holds the whole graph.
void add_losses(const Graph& graph, Plan& plan) {
    const std::vector<bool> needed = needed_for(plan, updated_values(plan));
    for (const Differentiated& each : graph.differentiated()) {
        const bool trains = std::any_of(each.gradients.begin(), each.gradients.end(),
                                        [&](NodeId gradient) { return needed[gradient]; });
        if (trains && std::find(plan.checks.begin(), plan.checks.end(), each.loss) == plan.checks.end())
            plan.checks.push_back(each.loss);
    }
}

std::vector<double> evaluate(const Op& op, const std::vector<Shape>& shapes,
                             const std::vector<const double*>& inputs, const Shape& shape) {
    std::vector<double> output(shape.elements());
    const Signature signature{shapes, shape};
    std::vector<double> workspace(op.workspace(signature));
    const AlignedBytes scratch(op.scratch(signature) * sizeof(double));
    auto* const elements = reinterpret_cast<double*>(scratch.data());
    const Kernel<double> kernel{shapes, shape, inputs, output.data(), workspace.data(), elements, 0, 0};
    const std::size_t tiles = op.tiles(signature);
    for (std::size_t tile = 0; tile < tiles; ++tile) run_tile(op, kernel, tile);
    op.finish(kernel);
    return output;
}

/// The constant that a node is or repeats.
const ConstantOp* repeated_constant(const Plan& plan, std::size_t node) {
    if (const ConstantOp* constant = as_constant(plan.nodes[node])) return constant;
    if (!plan.nodes[node].op->expands()) return nullptr;
    const ConstantOp* constant = as_constant(plan.nodes[plan.nodes[node].inputs.front()]);
    return constant && constant->values().size() == 1 ? constant : nullptr;
}

class IdentityOp final : public ElementwiseOf<IdentityOp> {
 public:
    std::string name() const override { return "copy"; }
    double flops_per_element() const override { return 0; }
    template <class T>
    T value(T x) const {
        return x;
    }
};

}  // namespace

bool is_leaf(const PlanNode& node) {
    return dynamic_cast<const LeafOp*>(node.op.get()) != nullptr;
}

std::vector<bool> needed_for(const Plan& plan, const std::vector<std::size_t>& roots) {
    std::vector<bool> needed(plan.nodes.size(), false);
    for (const std::size_t root : roots) needed[root] = true;
    for (std::size_t i = plan.nodes.size(); i-- > 0;)
        if (needed[i])
            for (const std::size_t input : plan.nodes[i].inputs) needed[input] = true;
    return needed;
}

std::vector<Shape> input_shapes(const Plan& plan, const PlanNode& node) {
    std::vector<Shape> shapes;
    for (const std::size_t input : node.inputs) shapes.push_back(plan.nodes[input].shape);
    return shapes;
}

std::vector<Shape> input_shapes(const Plan& plan, std::size_t node) {
    return input_shapes(plan, plan.nodes[node]);
}

std::vector<std::vector<std::size_t>> consumers_of(const Plan& plan) {
    std::vector<std::vector<std::size_t>> consumers(plan.nodes.size());
    for (std::size_t i = 0; i < plan.nodes.size(); ++i)
        for (const std::size_t input : plan.nodes[i].inputs) consumers[input].push_back(i);
    return consumers;
}

Plan extract(const Graph& graph, const std::vector<Tensor>& fetches, const std::vector<Updates>& updates,
             const std::vector<Tensor>& checks, bool check_losses) {
    Plan plan;
    const auto position = [&](const Tensor& tensor, const char* role) -> std::size_t {
        if (!tensor.valid()) throw Error(fmt::format("compile: a {} is an empty Tensor", role));
        if (tensor.place() != graph.place().get())
            throw Error(fmt::format(
                "compile: a {} is not a tensor of the graph that is compiled: {}; compile it with "
                "its own graph",
                role, describe_node(tensor.graph(), tensor.id())));
        return tensor.id();
    };
    for (NodeId id = 0; id < graph.size(); ++id) {
        const Node& node = graph.node(id);
        plan.nodes.push_back({node.op, {node.inputs.begin(), node.inputs.end()}, node.shape, id});
    }
    for (const Tensor& fetch : fetches) plan.fetches.push_back(position(fetch, "fetch"));
    for (const Tensor& check : checks) plan.checks.push_back(position(check, "check"));
    for (const Updates& group : updates)
        for (const Update& update : group) {
            for (const PlannedUpdate& other : plan.updates)
                if (other.variable == update.variable)
                    throw Error(fmt::format(
                        "compile: variable {} has two updates, declared at {} and at {}; a program "
                        "applies one",
                        update.variable.name(), to_string(other.where), to_string(update.where)));
            const std::size_t value = position(update.value, "update's value");
            if (update.value.shape() != update.variable.shape())
                throw ShapeError(
                    fmt::format("compile: the update of variable {} {} declared at {} has another shape: {}",
                                update.variable.name(), to_string(update.variable.shape()),
                                to_string(update.where), describe_node(graph, static_cast<NodeId>(value))));
            plan.updates.push_back({update.variable, value, update.where});
        }
    if (check_losses) add_losses(graph, plan);
    return prune(plan);
}

Plan prune(const Plan& plan) {
    std::vector<std::size_t> roots = plan.fetches;
    roots.insert(roots.end(), plan.checks.begin(), plan.checks.end());
    for (const std::size_t value : updated_values(plan)) roots.push_back(value);
    const std::vector<bool> needed = needed_for(plan, roots);
    return rebuild(plan, [&](Plan& copy, PlanNode node, std::size_t i) {
        return needed[i] ? append(copy, std::move(node)) : std::size_t{0};
    });
}

Plan merge_common(const Plan& plan) {
    std::unordered_map<std::string, std::size_t> known;
    return prune(rebuild(plan, [&](Plan& copy, PlanNode node, std::size_t) {
        if (!node.op->pure()) return append(copy, std::move(node));
        const Op& op = *node.op;
        std::string key =
            fmt::format("{} {} {}", typeid(op).name(), merge_key(op.attributes()), to_string(node.shape));
        for (const std::size_t input : node.inputs) key += fmt::format(" {}", input);
        const auto [place, is_new] = known.try_emplace(key, copy.nodes.size());
        if (is_new) append(copy, std::move(node));
        return place->second;
    }));
}

Plan fold_constants(const Plan& plan) {
    return prune(rebuild(plan, [&](Plan& copy, PlanNode node, std::size_t) {
        const Op& op = *node.op;
        if (node.inputs.empty() || !op.pure() || op.may_fail() || op.expands())
            return append(copy, std::move(node));
        const bool all_constant = std::all_of(node.inputs.begin(), node.inputs.end(), [&](std::size_t input) {
            return as_constant(copy.nodes[input]);
        });
        if (all_constant && node.shape.elements() <= largest_folded_constant) {
            std::vector<Shape> shapes;
            std::vector<const double*> values;
            for (const std::size_t input : node.inputs) {
                shapes.push_back(copy.nodes[input].shape);
                values.push_back(as_constant(copy.nodes[input])->values().data());
            }
            std::vector<double> result = evaluate(op, shapes, values, node.shape);
            return append(
                copy,
                {std::make_shared<ConstantOp>(node.shape, std::move(result)), {}, node.shape, node.origin});
        }
        if (!op.elementwise()) return append(copy, std::move(node));
        // An elementwise op on repeated scalars is one scalar, repeated.
        std::vector<const double*> scalars;
        std::size_t repeat = copy.nodes.size();
        for (const std::size_t input : node.inputs) {
            const ConstantOp* constant = repeated_constant(copy, input);
            if (!constant || constant->values().size() != 1) return append(copy, std::move(node));
            if (copy.nodes[input].op->expands()) repeat = input;
            scalars.push_back(constant->values().data());
        }
        if (repeat == copy.nodes.size()) return append(copy, std::move(node));
        const Shape scalar = copy.nodes[copy.nodes[repeat].inputs.front()].shape;
        std::vector<double> result =
            evaluate(op, std::vector<Shape>(scalars.size(), scalar), scalars, scalar);
        const std::size_t folded =
            append(copy, {std::make_shared<ConstantOp>(scalar, std::move(result)), {}, scalar, node.origin});
        return append(copy, {copy.nodes[repeat].op, {folded}, node.shape, node.origin});
    }));
}

Plan absorb_producers(const Plan& plan) {
    return prune(rebuild(plan, [&](Plan& copy, PlanNode node, std::size_t) {
        for (std::size_t i = 0; i < node.inputs.size(); ++i) {
            for (;;) {
                const PlanNode& producer = copy.nodes[node.inputs[i]];
                if (producer.inputs.size() != 1) break;
                std::shared_ptr<const Op> op = node.op->absorb(i, *producer.op);
                if (!op) break;
                node.op = std::move(op);
                node.inputs[i] = producer.inputs.front();
            }
        }
        return append(copy, std::move(node));
    }));
}

Plan rearrange_inputs(const Plan& plan) {
    return prune(rebuild(plan, [&](Plan& copy, PlanNode node, std::size_t) {
        const std::vector<Shape> shapes = input_shapes(copy, node);
        if (auto change = node.op->rearranged({shapes, node.shape})) {
            const std::vector<Shape> source{shapes[change->input]};
            const Shape shape = change->rearrangement->shape(source);
            node.op = std::move(change->op);
            node.inputs[change->input] = append(
                copy, {std::move(change->rearrangement), {node.inputs[change->input]}, shape, node.origin});
        }
        return append(copy, std::move(node));
    }));
}

Plan accumulate_sums(const Plan& plan) {
    const std::vector<std::size_t> roots = updated_values(plan);
    const std::vector<bool> trained = needed_for(plan, roots);
    // How often each node is read by nodes that count: by trained nodes alone if it is one itself.
    std::vector<std::size_t> reads(plan.nodes.size(), 0);
    for (std::size_t i = 0; i < plan.nodes.size(); ++i)
        for (const std::size_t input : plan.nodes[i].inputs)
            if (trained[i] || !trained[input]) ++reads[input];
    for (const std::size_t root : roots) ++reads[root];

    return prune(rebuild(plan, [&](Plan& copy, PlanNode node, std::size_t i) {
        const PlanNode& old = plan.nodes[i];
        if (node.op->adds() && old.inputs[0] != old.inputs[1]) {
            for (const std::size_t side : {1, 0}) {
                const std::size_t product = old.inputs[side];
                const PlanNode producer = copy.nodes[node.inputs[side]];
                // A repeated addend, such as a bias, is better added while the product is in cache.
                if (copy.nodes[node.inputs[1 - side]].op->expands()) continue;
                std::shared_ptr<const Op> op = reads[product] == 1 ? producer.op->accumulating() : nullptr;
                if (!op) continue;
                PlanNode fused{std::move(op), producer.inputs, node.shape, node.origin};
                fused.inputs.push_back(node.inputs[1 - side]);
                return append(copy, std::move(fused));
            }
        }
        return append(copy, std::move(node));
    }));
}

Plan separate_updates(const Plan& plan) {
    Plan copy = plan;
    const auto base = [&](std::size_t node) {
        while (copy.nodes[node].op->aliases()) node = copy.nodes[node].inputs.front();
        return node;
    };
    std::vector<std::size_t> taken;
    for (PlannedUpdate& update : copy.updates) {
        const std::size_t value = base(update.value);
        const PlanNode& node = copy.nodes[value];
        const bool own = !is_leaf(node) && std::find(taken.begin(), taken.end(), value) == taken.end();
        if (!own) {
            const PlanNode source = copy.nodes[update.value];
            update.value =
                append(copy, {std::make_shared<IdentityOp>(), {update.value}, source.shape, source.origin});
        }
        taken.push_back(base(update.value));
    }
    return copy;
}

}  // namespace duet
