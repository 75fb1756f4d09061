#include <duet/models/penalties.hpp>

#include <cmath>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/random.hpp>
#include <duet/ops/reduce.hpp>

namespace duet::models {

namespace {

void check_weight(const char* penalty, double weight, Where where) {
    if (!std::isfinite(weight) || weight < 0)
        throw Error(fmt::format("{}: {}: weight {} must be a finite number of at least zero",
                                to_string(where), penalty, weight));
}

/// Each score depends on its own image alone, so the gradient of the sum holds every image's gradient.
Tensor image_gradients(const GradientTape& tape, const Tensor& score, const Tensor& images) {
    return tape.gradient(sum(score), images);
}

}  // namespace

Tensor r1(const GradientTape& tape, Operand real_score, const Tensor& real, double weight) {
    check_weight("r1", weight, real_score.where());
    const Tensor score = real_score.tensor();
    const WhereScope caller(score.graph(), real_score.where());
    const double per_image = weight / 2.0 / static_cast<double>(real.shape()[0]);
    return per_image * sum(square(image_gradients(tape, score, real)));
}

Tensor interpolated(Operand real, Operand fake, const std::string& name) {
    const Tensor from = fake.tensor(), to = real.tensor();
    const WhereScope caller(to.graph(), real.where());
    std::vector<std::size_t> one_each(to.shape().rank(), 1);
    one_each[0] = to.shape()[0];
    const Tensor part = random_uniform(to.graph(), name, Shape(one_each), real.where());
    return part * to + (1.0 - part) * from;
}

Tensor gradient_penalty(const GradientTape& tape, Operand score, const Tensor& points, double weight) {
    constexpr double beside_zero = 1e-12;
    check_weight("gradient penalty", weight, score.where());
    const Tensor scores = score.tensor();
    const WhereScope caller(scores.graph(), score.where());
    Axes within;
    for (std::size_t axis = 1; axis < points.shape().rank(); ++axis) within.push_back(axis);
    const Tensor squares = sum(square(image_gradients(tape, scores, points)), within);
    return weight * mean(square(sqrt(squares + beside_zero) - 1.0));
}

}  // namespace duet::models
