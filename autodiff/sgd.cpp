#include <duet/autodiff/sgd.hpp>

#include <utility>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/ops/arithmetic.hpp>

namespace duet {

Sgd::Sgd(std::string name, SgdOptions options, Where where)
    : Optimizer(std::move(name), options.rate, where), options_(options) {
    check_option("momentum", options.momentum, 0, 1, where);
    if (options.nesterov && options.momentum == 0)
        throw Error(fmt::format("{}: optimizer {}: nesterov needs a momentum above zero", to_string(where),
                                this->name()));
}

Updates Sgd::build(Graph& graph, const VariableGradients& gradients) {
    const Tensor rate = read_rate(graph);
    Updates updates;
    for (const auto& [variable, gradient] : gradients) {
        Tensor direction = gradient;
        if (options_.momentum > 0) {
            const Variable momentum = slot("momentum", variable);
            const Tensor next = options_.momentum * graph.read(momentum) + gradient;
            updates.push_back({momentum, next, {}});
            direction = options_.nesterov ? gradient + options_.momentum * next : next;
        }
        updates.push_back({variable, graph.read(variable) - rate * direction, {}});
    }
    return updates;
}

}  // namespace duet
