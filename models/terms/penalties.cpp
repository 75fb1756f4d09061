#include <duet/models/terms/penalties.hpp>

#include <array>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/parameter_rules.hpp>
#include <duet/ops/random.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/shape_rules.hpp>

namespace duet::models {

namespace {

/// Throws ShapeError unless there is one score for each image.
void check_scores(const char* penalty, const Tensor& score, const Tensor& images) {
    in_words_of(penalty, std::array{score, images}, {}, [&] {
        const Shape &scores = score.shape(), &shape = images.shape();
        if (shape.rank() == 0 || scores.rank() == 0 || scores[0] != shape[0] || scores.elements() != shape[0])
            throw ShapeError(
                fmt::format("scores of shape {} do not fit images of shape {}: give one score, "
                            "(n, 1), for each of n images, (n, ...)",
                            to_string(scores), to_string(shape)));
    });
}

/// Each score depends on its own image alone, so the gradient of the sum holds every image's gradient.
Tensor image_gradients(const GradientTape& tape, const Tensor& score, const Tensor& images, Where where) {
    return tape.gradient(sum(score), images, {}, where);
}

}  // namespace

Tensor r1(const GradientTape& tape, Operand real_score, Operand real, double weight) {
    const Tensor score = real_score.tensor(), images = real.tensor();
    const WhereScope caller(score.graph(), real_score.where());
    expect_not_negative("r1", "weight", weight, caller.where());
    check_scores("r1", score, images);
    const double per_image = weight / 2.0 / static_cast<double>(images.shape()[0]);
    return per_image * sum(square(image_gradients(tape, score, images, caller.where())));
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
    const Tensor squares = sum(square(image_gradients(tape, scores, images, caller.where())), within);
    return weight * mean(square(sqrt(squares + beside_zero) - 1.0));
}

}  // namespace duet::models
