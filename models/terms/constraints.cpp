#include <duet/models/terms/constraints.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/reduce.hpp>

namespace duet::models {

namespace {

void expect_positive(const char* constraint, const char* what, double value) {
    if (!(std::isfinite(value) && value > 0))
        throw Error(
            fmt::format("{}: the {} is {}, but must be positive and finite", constraint, what, value));
}

}  // namespace

GradientRule clip_by_global_norm(double most, const GradientRule& of) {
    expect_positive("gradient clipping", "norm", most);
    return [most, of](const GradientTape& tape, const Tensor& loss, const std::vector<Variable>& variables) {
        VariableGradients gradients = of ? of(tape, loss, variables) : tape.gradient(loss, variables);
        Tensor squares;
        for (const VariableGradient& each : gradients) {
            const Tensor square_norm = sum(square(each.gradient));
            squares = squares.valid() ? squares + square_norm : square_norm;
        }
        if (!squares.valid()) return gradients;
        const Tensor factor = minimum(most / (sqrt(squares) + 1e-6), 1.0);
        for (VariableGradient& each : gradients) each.gradient = each.gradient * factor;
        return gradients;
    };
}

UpdateRule clip_weights(const std::shared_ptr<const Optimizer>& optimizer, double bound) {
    expect_positive("weight clipping", "bound", bound);
    if (!optimizer) throw Error("weight clipping: the optimizer whose weights are clipped is empty");
    return [optimizer, bound](Graph&, const Updates& updates) {
        const std::vector<Variable>& trained = optimizer->trained();
        Updates clipped = updates;
        for (Update& update : clipped)
            if (std::find(trained.begin(), trained.end(), update.variable) != trained.end())
                update.value = clip(update.value, -bound, bound);
        return clipped;
    };
}

}  // namespace duet::models
