#include <duet/autodiff/rms_prop.hpp>

#include <limits>
#include <utility>

#include <duet/ops/arithmetic.hpp>

namespace duet {

RmsProp::RmsProp(std::string name, RmsPropOptions options, Where where)
    : Optimizer(std::move(name), options.rate, where), options_(options) {
    check_option("decay", options.decay, 0, 1, where);
    check_option("epsilon", options.epsilon, 0, std::numeric_limits<float>::max(), where);
    check_option("momentum", options.momentum, 0, 1, where);
}

Updates RmsProp::build(Graph& graph, const VariableGradients& gradients) {
    const double decay = options_.decay;
    const Tensor rate = read_rate(graph);
    Updates updates;
    for (const auto& [variable, gradient] : gradients) {
        const Variable square_mean = slot("square", variable);
        const Tensor v = decay * graph.read(square_mean) + (1 - decay) * square(gradient);
        updates.push_back({square_mean, v, {}});
        Tensor variance = v;
        if (options_.centered) {
            const Variable mean = slot("mean", variable);
            const Tensor m = decay * graph.read(mean) + (1 - decay) * gradient;
            updates.push_back({mean, m, {}});
            variance = v - square(m);
        }
        Tensor direction = gradient / (sqrt(variance) + options_.epsilon);
        if (options_.momentum > 0) {
            const Variable momentum = slot("momentum", variable);
            direction = options_.momentum * graph.read(momentum) + direction;
            updates.push_back({momentum, direction, {}});
        }
        updates.push_back({variable, graph.read(variable) - rate * direction, {}});
    }
    return updates;
}

}  // namespace duet
