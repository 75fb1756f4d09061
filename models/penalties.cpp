#include <duet/models/penalties.hpp>

#include <duet/ops/arithmetic.hpp>
#include <duet/ops/parameter_rules.hpp>
#include <duet/ops/random.hpp>
#include <duet/ops/reduce.hpp>

namespace duet::models {

namespace {

/// Each score depends on its own image alone, so the gradient of the sum holds every image's gradient.
Tensor image_gradients(const GradientTape& tape, const Tensor& score, const Tensor& images, Where where) {
    return tape.gradient(sum(score), images, {}, where);
}

}  // namespace

Tensor r1(const GradientTape& tape, Operand real_score, Operand real, double weight) {
    const Tensor score = real_score.tensor(), images = real.tensor();
    const WhereScope caller(score.graph(), real_score.where());
    expect_not_negative("r1", "weight", weight, caller.where());
    const double per_image = weight / 2.0 / static_cast<double>(images.shape()[0]);
    return per_image * sum(square(image_gradients(tape, score, images, caller.where())));
}

Tensor interpolated(Operand real, Operand fake, const std::string& name) {
    const Tensor from = fake.tensor(), to = real.tensor();
    const WhereScope caller(to.graph(), real.where());
    std::vector<std::size_t> one_each(to.shape().rank(), 1);
    one_each[0] = to.shape()[0];
    const Tensor part = random_uniform(to.graph(), name, Shape(one_each), real.where());
    return part * to + (1.0 - part) * from;
}

Tensor gradient_penalty(const GradientTape& tape, Operand score, Operand points, double weight) {
    constexpr double beside_zero = 1e-12;
    const Tensor scores = score.tensor(), images = points.tensor();
    const WhereScope caller(scores.graph(), score.where());
    expect_not_negative("gradient_penalty", "weight", weight, caller.where());
    Axes within;
    for (std::size_t axis = 1; axis < images.shape().rank(); ++axis) within.push_back(axis);
    const Tensor squares = sum(square(image_gradients(tape, scores, images, caller.where())), within);
    return weight * mean(square(sqrt(squares + beside_zero) - 1.0));
}

}  // namespace duet::models
