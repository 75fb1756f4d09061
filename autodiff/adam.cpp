#include <duet/autodiff/adam.hpp>

#include <cmath>
#include <limits>
#include <utility>

#include <duet/ops/arithmetic.hpp>

namespace duet {

namespace {

/// 1 - beta^step, without the cancellation that float32 would suffer when beta is near one.
Tensor bias_correction(Graph& graph, double beta, const Tensor& step) {
    if (beta == 0) return graph.constant(1.0);
    return negate(expm1(step * std::log(beta)));
}

/// The same of a beta that a run reads; the bound keeps the logarithm of 0 finite.
Tensor bias_correction(const Tensor& beta, const Tensor& step) {
    return negate(expm1(step * log(maximum(beta, 1e-30))));
}

}  // namespace

Adam::Adam(std::string name, AdamOptions options, Where where)
    : Optimizer(std::move(name), options.rate, where), options_(options) {
    check_option("beta1", options.beta1, 0, 1, where);
    check_option("beta2", options.beta2, 0, 1, where);
    check_option("epsilon", options.epsilon, 0, std::numeric_limits<float>::max(), where);
    check_option("weight_decay", options.weight_decay, 0, std::numeric_limits<float>::max(), where);
    if (options.scheduled_beta2) add_scheduled_option("beta2", options.beta2);
}

Updates Adam::build(Graph& graph, const VariableGradients& gradients) {
    const double beta1 = options_.beta1;
    Operand kept = options_.beta2, added = 1 - options_.beta2;
    const Variable step_count = scalar("step");
    const Tensor step = graph.read(step_count) + 1.0;
    // Both sides of the fraction are multiplied by this root, so that each element costs one operation less.
    Tensor root;
    if (options_.scheduled_beta2) {
        const Tensor beta2 = graph.read(scalar("beta2"));
        kept = beta2;
        added = 1.0 - beta2;
        root = sqrt(bias_correction(beta2, step));
    } else {
        root = sqrt(bias_correction(graph, options_.beta2, step));
    }
    const Tensor scale = read_rate(graph) * root / bias_correction(graph, beta1, step);
    const Tensor offset = options_.epsilon * root;
    Tensor remaining;
    if (options_.weight_decay > 0) remaining = 1.0 - options_.weight_decay * read_rate(graph);
    Updates updates{{step_count, step, {}}};
    for (const auto& [variable, gradient] : gradients) {
        const Variable mean = slot("mean", variable), square_mean = slot("square", variable);
        const Tensor m = beta1 * graph.read(mean) + (1 - beta1) * gradient;
        const Tensor v = kept * graph.read(square_mean) + added * square(gradient);
        updates.push_back({mean, m, {}});
        updates.push_back({square_mean, v, {}});
        const Tensor weight = remaining.valid() ? remaining * graph.read(variable) : graph.read(variable);
        updates.push_back({variable, weight - scale * m / (sqrt(v) + offset), {}});
    }
    return updates;
}

}  // namespace duet
