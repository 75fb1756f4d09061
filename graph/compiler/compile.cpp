#include <algorithm>
#include <chrono>
#include <functional>
#include <new>

#include <fmt/format.h>

#include <duet/graph/compiler/fingerprint.hpp>
#include <duet/graph/compiler/lowering.hpp>
#include <duet/graph/compiler/passes.hpp>
#include <duet/graph/error.hpp>

namespace duet {

namespace {

std::string out_of_memory(const Graph& graph, const Plan& plan, const Arrangement& arrangement,
                          std::size_t element_bytes) {
    std::size_t largest = 0;
    for (std::size_t i = 0; i < plan.nodes.size(); ++i)
        if (plan.nodes[i].shape.elements() > plan.nodes[largest].shape.elements()) largest = i;
    return fmt::format(
        "compile: not enough memory: intermediate values take {} bytes; the largest value, of {} bytes, is "
        "{}",
        arrangement.layout.memory.bytes, plan.nodes[largest].shape.elements() * element_bytes,
        describe_node(graph, plan.nodes[largest].origin));
}

/// The updates that the graph's programs owe if they make these, and that are not among them.
Updates owed(const Graph& graph, const std::vector<Updates>& updates) {
    const auto updated = [&](const Variable& variable) {
        return std::any_of(updates.begin(), updates.end(), [&](const Updates& group) {
            return std::any_of(group.begin(), group.end(),
                               [&](const Update& update) { return update.variable == variable; });
        });
    };
    Updates owed;
    for (const OwedUpdate& declared : graph.owed_updates())
        if (std::any_of(declared.owed_by.begin(), declared.owed_by.end(), updated) &&
            !updated(declared.update.variable))
            owed.push_back(declared.update);
    return owed;
}

}  // namespace

template <class T>
Program<T> compile(const Graph& graph, const std::vector<Tensor>& fetches,
                   const std::vector<Updates>& updates, const Arena& arena, const CompileOptions& options) {
    std::vector<Updates> all_updates = updates;
    all_updates.push_back(owed(graph, updates));
    auto state = std::make_unique<typename Program<T>::State>(arena);
    state->place = graph.place();
    state->poison = options.poison;
    Plan plan;
    const auto arranged = [&] {
        return arrange(plan, options.fuse && !options.scan, sizeof(T), !options.scan);
    };
    const auto pass = [&](const char* name, const std::function<Plan()>& apply) {
        const auto start = std::chrono::steady_clock::now();
        plan = apply();
        const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
        PassReport report{name, plan.nodes.size(), elapsed.count(), 0, 0};
        if (options.report_passes) {
            const Plan kept = plan;
            plan = separate_updates(plan);
            const Arrangement arrangement = arranged();
            report.arena_bytes = arrangement.layout.memory.bytes;
            report.instructions = arrangement.units.list.size();
            plan = kept;
        }
        state->report.passes.push_back(std::move(report));
    };
    pass("extract",
         [&] { return extract(graph, fetches, all_updates, options.finite, options.check_losses); });
    pass("merge common", [&] { return merge_common(plan); });
    if (options.rewrite) {
        pass("fold constants", [&] { return fold_constants(plan); });
        pass("absorb producers", [&] { return absorb_producers(plan); });
        pass("rearrange inputs", [&] { return rearrange_inputs(plan); });
        pass("merge common", [&] { return merge_common(plan); });
        pass("accumulate sums", [&] { return accumulate_sums(plan); });
    }
    pass("separate updates", [&] { return separate_updates(plan); });
    for (const PlanNode& node : plan.nodes)
        if (state->random.empty() && !node.op->pure() && !is_leaf(node))
            state->random = describe_node(graph, node.origin);
    const Arrangement arrangement = arranged();
    state->report.fingerprint = fingerprint(graph, plan, arrangement, sizeof(T));
    try {
        lower<T>(graph, plan, arrangement, options, *state);
    } catch (const std::bad_alloc&) {
        throw MemoryError(out_of_memory(graph, plan, arrangement, sizeof(T)));
    }
    return Program<T>(std::move(state));
}

template Program<float> compile<float>(const Graph&, const std::vector<Tensor>&, const std::vector<Updates>&,
                                       const Arena&, const CompileOptions&);
template Program<double> compile<double>(const Graph&, const std::vector<Tensor>&,
                                         const std::vector<Updates>&, const Arena&, const CompileOptions&);

}  // namespace duet
