#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <duet/duet.hpp>

#include "../data/support.hpp"
#include "../graph/support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

using Penalty = Tensor (*)(const GradientTape&, Operand, Operand, double);

/// Scores of 6 images of 3 values that are fed as `images`.
using Scores = std::function<Tensor(const Tensor& images)>;

double value_of(Penalty penalty, double weight, const Scores& scores, const ArrayOf<double>& fed) {
    Graph graph;
    const Tensor images = graph.input("images", shape_of(fed));
    const GradientTape tape(graph);
    const Tensor value = penalty(tape, scores(images), images, weight);
    auto program = compile<double>(graph, {value, sum(images)});
    return *program.run({{images, fed}}).front().data();
}

const ArrayOf<double> six_images = {{1, 2, 3},  {-1, 0, 4},     {0.5, 0.25, -1},
                                    {0, 1, -2}, {2, -0.5, 0.5}, {-3, 1, 1}};

}  // namespace

TEST_CASE("R1 is weight/2 times the mean squared norm of the image gradients") {
    // D(x) = sum_j a_j x_j^2 has gradient 2 a_j x_j.
    Graph graph;
    const Tensor x = graph.input("x", {2, 3});
    const GradientTape tape(graph);
    const Tensor a = graph.constant(ArrayOf<double>{1.0, -2.0, 0.5});
    const Tensor score = reshape(sum(a * square(x), {1}), {2, 1});
    auto program = compile<double>(graph, {models::r1(tape, score, x, 3.0)});
    const ArrayOf<double> fed = {{1.0, 2.0, 3.0}, {-1.0, 0.0, 4.0}};
    const double squared = (4 + 64 + 9) + (4 + 0 + 16);
    CHECK(*program.run({{x, fed}}).front().data() == doctest::Approx(3.0 / 2 * squared / 2));
    CHECK_THROWS_AS(models::r1(tape, score, x, -1.0), Error);
    CHECK_THROWS_AS(models::r1(tape, score, x, std::nan("")), Error);
}

TEST_CASE("the gradient penalty is weight times the mean squared distance of slopes from one") {
    // D(x) = sum_j a_j x_j^2 has gradient 2 a_j x_j.
    Graph graph;
    const Tensor x = graph.input("x", {2, 3});
    const GradientTape tape(graph);
    const Tensor a = graph.constant(ArrayOf<double>{1.0, -2.0, 0.5});
    const Tensor score = sum(a * square(x), {1}, true);
    const Tensor penalty = models::gradient_penalty(tape, score, x, 10.0);
    auto program = compile<double>(graph, {penalty, tape.gradient(penalty, x)});
    // At zero the slope is zero, and the gradient of the norm must stay finite.
    const ArrayOf<double> fed = {{1.0, 2.0, 3.0}, {0.0, 0.0, 0.0}};
    program.run({{x, fed}});
    CHECK(*program[0].data() ==
          doctest::Approx(10.0 / 2 * (std::pow(std::sqrt(4.0 + 64 + 9) - 1, 2) + 1)).epsilon(1e-5));
    for (std::size_t i = 0; i < 6; ++i) CHECK(std::isfinite(program[1].data()[i]));
    CHECK_THROWS_AS(models::gradient_penalty(tape, score, x, -1.0), Error);
}

TEST_CASE("interpolated points lie between an image and its fake, one place for each pair") {
    Graph graph(4);
    const Tensor real = graph.input("real", {64, 1, 2, 2}), fake = graph.input("fake", {64, 1, 2, 2});
    auto program = compile<float>(graph, {models::interpolated(real, fake)});
    const Array ones = filled(Shape{64, 1, 2, 2}, 1.0F), zeros = filled(Shape{64, 1, 2, 2}, 0.0F);
    const Array& points = program.run({{real, ones}, {fake, zeros}}, 0).front();
    float lowest = 1, highest = 0;
    for (std::size_t i = 0; i < 64; ++i) {
        const float* image = points.data() + 4 * i;
        CHECK(std::all_of(image, image + 4, [&](float value) { return value == *image; }));
        lowest = std::min(lowest, *image);
        highest = std::max(highest, *image);
    }
    CHECK(lowest >= 0);
    CHECK(lowest < 0.2F);
    CHECK(highest < 1);
    CHECK(highest > 0.8F);
}

TEST_CASE("R1 built outside the discriminator's tape is an error") {
    Graph graph;
    const auto discriminator = models::mlp("discriminator", {4, 3, 1}, relu, linear, 0);
    const Tensor real = graph.input("real", {2, 4});
    const GradientTape outer(graph);
    const Tensor score = discriminator(real);
    const Tensor penalty = models::r1(outer, score, real, 1.0);
    const GradientTape late(graph);
    const Tensor loss = mean(softplus(-score)) + penalty;
    CHECK_THROWS_AS(late.gradient(loss, discriminator.variables()), GradientError);
    CHECK_NOTHROW(outer.gradient(loss, discriminator.variables()));
}

TEST_CASE("penalties of a linear discriminator know its weights alone") {
    // D(x) = <w, x>, and of packs of three images <w, (x, y, z)>: |grad D| = |w|.
    for (const std::size_t pack : {1, 3}) {
        CAPTURE(pack);
        ArrayOf<double> w = filled(Shape{3 * pack, 1}, 0.0);
        double squared = 0;
        for (std::size_t i = 0; i < w.size(); ++i) {
            w.data()[i] = 0.5 + 0.25 * static_cast<double>(i);
            squared += w.data()[i] * w.data()[i];
        }
        const Scores linear = [&](const Tensor& images) {
            return matmul(reshape(images, {6 / pack, 3 * pack}), images.graph().constant(w));
        };
        const auto close = [](double value) { return doctest::Approx(value).epsilon(1e-11); };
        CHECK(value_of(models::r1, 3, linear, six_images) == close(3 * squared / 2));
        CHECK(value_of(models::zero_centred_penalty, 3, linear, six_images) == close(3 * squared));
        CHECK(value_of(models::gradient_penalty, 3, linear, six_images) ==
              close(3 * std::pow(std::sqrt(squared) - 1, 2)));
    }
}

TEST_CASE("penalties of packs are means over packs of consecutive images") {
    // D = sum_j a_j x_j^2 over the images of a pack has gradient 2 a_j x_j.
    const double a[] = {1.0, -2.0, 0.5};
    for (const std::size_t pack : {1, 2, 3, 6}) {
        CAPTURE(pack);
        const std::size_t packs = 6 / pack;
        double squared = 0, from_one = 0;
        for (std::size_t p = 0; p < packs; ++p) {
            double of_pack = 0;
            for (std::size_t i = 3 * pack * p; i < 3 * pack * (p + 1); ++i)
                of_pack += std::pow(2 * a[i % 3] * six_images.data()[i], 2);
            squared += of_pack / static_cast<double>(packs);
            from_one += std::pow(std::sqrt(of_pack) - 1, 2) / static_cast<double>(packs);
        }
        const Scores scores = [&](const Tensor& images) {
            const Tensor each = images.graph().constant(ArrayOf<double>{1.0, -2.0, 0.5}) * square(images);
            return sum(reshape(each, {packs, 3 * pack}), {1}, true);
        };
        const auto close = [](double value) { return doctest::Approx(value).epsilon(1e-11); };
        CHECK(value_of(models::r1, 3, scores, six_images) == close(3 * squared / 2));
        CHECK(value_of(models::zero_centred_penalty, 3, scores, six_images) == close(3 * squared));
        CHECK(value_of(models::gradient_penalty, 3, scores, six_images) == close(3 * from_one));
    }
}

TEST_CASE("penalties pass the check of gradients to second order, in images and weights") {
    for (const Penalty penalty : {models::r1, models::zero_centred_penalty, models::gradient_penalty})
        for (const std::size_t pack : {1, 2}) {
            CAPTURE(pack);
            const CheckedFunction function = [=](Graph& graph, const std::vector<Tensor>& inputs) {
                const GradientTape tape(graph);
                const Tensor packed = reshape(inputs[0], {4 / pack, 3 * pack});
                return penalty(tape, matmul(tanh(matmul(packed, inputs[1])), inputs[2]), inputs[0], 2.0);
            };
            const GradientCheckReport report =
                check_gradients(function, {Shape{4, 3}, Shape{3 * pack, 5}, Shape{5, 1}}, -1, 1);
            CHECK_MESSAGE(report.passed, report.message);
            CHECK(report.comparisons == 12);
        }
}

TEST_CASE("scores that do not fit their images, and fakes that do not fit reals, are refused") {
    Graph graph;
    const Tensor real = graph.input("real", {4, 2}), fake = graph.input("fake", {4, 1});
    const GradientTape tape(graph);
    const Tensor score = sum(real, {1}, true), flat = sum(real, {1}), total = sum(score),
                 square_of_scores = score * flat, three = slice(score, {0, 0}, {3, 1});
    const auto expect_refused = [](const std::string& part, const std::function<void()>& action) {
        const std::string message = message_of(action);
        CHECK_MESSAGE(contains(message, part), message);
    };
    const NodeId before = graph.size();
    expect_refused("r1: scores of shape (4, 4) do not fit images of shape (4, 2)",
                   [&] { models::r1(tape, square_of_scores, real, 1); });
    expect_refused("gradient_penalty: scores of shape (4, 4) do not fit images of shape (4, 2)",
                   [&] { models::gradient_penalty(tape, square_of_scores, real, 1); });
    expect_refused("r1: scores of shape () do not fit", [&] { models::r1(tape, total, real, 1); });
    expect_refused("zero_centred_penalty: scores of shape (3, 1) do not fit images of shape (4, 2)",
                   [&] { models::zero_centred_penalty(tape, three, real, 1); });
    expect_refused("r1: scores of shape (4, 1) do not fit images of shape (1, 2)", [&] {
        models::r1(tape, score, graph.constant(ArrayOf<double>{{1.0, 2.0}}), 1);
    });
    expect_refused("zero_centred_penalty: the weight is -1",
                   [&] { models::zero_centred_penalty(tape, score, real, -1); });
    expect_refused("interpolated: real and fake images have the shapes (4, 2) and (4, 1)",
                   [&] { models::interpolated(real, fake); });
    CHECK(graph.size() == before + 1);  // the constant
    CHECK_NOTHROW(models::r1(tape, flat, real, 1));
}
