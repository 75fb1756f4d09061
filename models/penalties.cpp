#include <duet/models/penalties.hpp>

#include <cmath>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/reduce.hpp>

namespace duet::models {

Tensor r1(const GradientTape& tape, Operand real_score, const Tensor& real, double weight) {
    if (!std::isfinite(weight) || weight < 0)
        throw Error(fmt::format("{}: r1: weight {} must be a finite number of at least zero",
                                to_string(real_score.where()), weight));
    const Tensor score = real_score.tensor();
    const WhereScope caller(score.graph(), real_score.where());
    // Each score depends on its own image alone, so the gradient of the sum holds every image's gradient.
    const Tensor gradient = tape.gradient(sum(score), real);
    const double per_image = weight / 2.0 / static_cast<double>(real.shape()[0]);
    return per_image * sum(square(gradient));
}

}  // namespace duet::models
