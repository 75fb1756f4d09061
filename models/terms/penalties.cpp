#include <duet/models/terms/penalties.hpp>

#include <array>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/parameter_rules.hpp>
#include <duet/ops/random.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/shape_ops.hpp>
#include <duet/ops/shape_rules.hpp>

namespace duet::models {

namespace {

/// Throws ShapeError unless each score judges one image, or equally many.
void check_scores(const char* penalty, const Tensor& score, const Tensor& images) {
    in_words_of(penalty, std::array{score, images}, {}, [&] {
        const Shape &scores = score.shape(), &shape = images.shape();
        if (shape.rank() == 0 || scores.rank() == 0 || shape[0] % scores[0] != 0 ||
            scores.elements() != scores[0])
            throw ShapeError(
                fmt::format("scores of shape {} do not fit images of shape {}: give one score, (n, 1), for "
                            "each of n images, (n, ...), or for each pack of k consecutive ones, (n / k, 1)",
                            to_string(scores), to_string(shape)));
    });
}

/// Each score depends on its own images alone, so the gradient of the sum holds every image's gradient.
Tensor image_gradients(const GradientTape& tape, const Tensor& score, const Tensor& images, Where where) {
    return tape.gradient(sum(score), images, {}, where);
}

/// factor * mean over scores of |grad_x D(x)|^2.
Tensor mean_squared_gradient(const GradientTape& tape, const Tensor& score, const Tensor& images,
                             double factor, Where where) {
    const double per_score = factor / static_cast<double>(score.shape()[0]);
    return per_score * sum(square(image_gradients(tape, score, images, where)));
}

}  // namespace

Tensor r1(const GradientTape& tape, Operand real_score, Operand real, double weight) {
    const Tensor score = real_score.tensor(), images = real.tensor();
    const WhereScope caller(score.graph(), real_score.where());
    expect_not_negative("r1", "weight", weight, caller.where());
    check_scores("r1", score, images);
    return mean_squared_gradient(tape, score, images, weight / 2.0, caller.where());
}

Tensor interpolated(Operand real, Operand fake, const std::string& name) {
    const Tensor from = fake.tensor(), to = real.tensor();
    const WhereScope caller(to.graph(), real.where());
    in_words_of("interpolated", std::array{to, from}, {}, [&] {
        expect_pairs("real and fake images", to.shape(), from.shape());
        if (to.shape().rank() == 0) throw ShapeError("a scalar is no batch of images");
    });
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
    check_scores("gradient_penalty", scores, images);
    Axes within;
    for (std::size_t axis = 1; axis < images.shape().rank(); ++axis) within.push_back(axis);
    const Tensor each = square(image_gradients(tape, scores, images, caller.where()));
    Tensor squares = within.empty() ? each : sum(each, within);
    const std::size_t packs = scores.shape()[0], count = images.shape()[0];
    if (packs != count) squares = sum(reshape(squares, {packs, count / packs}), {1});
    return weight * mean(square(sqrt(squares + beside_zero) - 1.0));
}

Tensor zero_centred_penalty(const GradientTape& tape, Operand score, Operand points, double weight) {
    const Tensor scores = score.tensor(), images = points.tensor();
    const WhereScope caller(scores.graph(), score.where());
    expect_not_negative("zero_centred_penalty", "weight", weight, caller.where());
    check_scores("zero_centred_penalty", scores, images);
    return mean_squared_gradient(tape, scores, images, weight, caller.where());
}

}  // namespace duet::models
