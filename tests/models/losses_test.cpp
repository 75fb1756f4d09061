#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <string>

#include "support.hpp"

using namespace duet;

namespace {

double sigmoid_of(double x) {
    return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}
double softplus_of(double x) {
    return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}

ArrayOf<double> column(const std::vector<double>& values) {
    ArrayOf<double> result = filled(Shape{values.size(), 1}, 0.0);
    std::copy(values.begin(), values.end(), result.data());
    return result;
}

const ArrayOf<double> scores = column({-300, -30, -2, 0, 0.5, 25, 300});
const ArrayOf<double> weights = column({1, 0, 2, 0.5, 1.5, 3, 1});

struct Derivatives {
    double generator_loss, discriminator_loss;
    ArrayOf<double> generator, discriminator_real, discriminator_fake;
};

template <class T>
Derivatives derive(models::LossFunction loss, bool weighted) {
    Graph graph;
    const Shape shape = shape_of(scores);
    const Tensor real = graph.input("real", shape), fake = graph.input("fake", shape),
                 weight = graph.input("weight", shape);
    const GradientTape tape(graph);
    const auto losses =
        loss(real, fake, weighted ? models::SampleWeights{weight, weight} : models::SampleWeights{});
    std::vector<Tensor> fetches = {losses.generator,
                                   losses.discriminator,
                                   tape.gradient(losses.generator, fake),
                                   tape.gradient(losses.discriminator, real),
                                   tape.gradient(losses.discriminator, fake),
                                   real + weight};
    auto program = compile<T>(graph, fetches);
    const auto fed = testing::converted<T>(scores), fed_weights = testing::converted<T>(weights);
    program.run({{real, fed}, {fake, fed}, {weight, fed_weights}});
    return {static_cast<double>(*program[0].data()), static_cast<double>(*program[1].data()),
            testing::converted<double>(program[2]), testing::converted<double>(program[3]),
            testing::converted<double>(program[4])};
}

template <class T>
void compare(models::LossFunction loss, bool weighted, double (*generator_loss)(double),
             double (*generator_slope)(double)) {
    const Derivatives found = derive<T>(loss, weighted);
    const double tolerance = std::is_same_v<T, float> ? 1e-6 : 1e-12;
    const auto n = static_cast<double>(scores.size());
    double expected_generator = 0, expected_discriminator = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const double s = scores.data()[i], w = weighted ? weights.data()[i] : 1.0;
        CAPTURE(s);
        expected_generator += w * generator_loss(s) / n;
        expected_discriminator += w * (softplus_of(-s) + softplus_of(s)) / n;
        CHECK(found.generator.data()[i] ==
              doctest::Approx(w * generator_slope(s) / n).epsilon(tolerance).scale(0.1));
        CHECK(found.discriminator_real.data()[i] ==
              doctest::Approx(-w * sigmoid_of(-s) / n).epsilon(tolerance).scale(0.1));
        CHECK(found.discriminator_fake.data()[i] ==
              doctest::Approx(w * sigmoid_of(s) / n).epsilon(tolerance).scale(0.1));
    }
    CHECK(found.generator_loss == doctest::Approx(expected_generator).epsilon(tolerance));
    CHECK(found.discriminator_loss == doctest::Approx(expected_discriminator).epsilon(tolerance));
}

}  // namespace

TEST_CASE_TEMPLATE("minimax and its closed-form derivative agree, at the saturating ends too", T, float,
                   double) {
    for (const bool weighted : {false, true})
        compare<T>(
            models::minimax, weighted, [](double s) { return -softplus_of(s); },
            [](double s) { return -sigmoid_of(s); });
}

TEST_CASE_TEMPLATE("non-saturating and its closed-form derivative agree, at the saturating ends too", T,
                   float, double) {
    for (const bool weighted : {false, true})
        compare<T>(
            models::non_saturating, weighted, [](double s) { return softplus_of(-s); },
            [](double s) { return -sigmoid_of(-s); });
}

TEST_CASE_TEMPLATE("the Wasserstein losses are differences of mean scores", T, float, double) {
    for (const bool weighted : {false, true}) {
        const Derivatives found = derive<T>(models::wasserstein, weighted);
        double fake = 0;
        for (std::size_t i = 0; i < scores.size(); ++i) {
            const double w = (weighted ? weights.data()[i] : 1.0) / static_cast<double>(scores.size());
            fake += w * scores.data()[i];
            CHECK(found.generator.data()[i] == doctest::Approx(-w));
            CHECK(found.discriminator_real.data()[i] == doctest::Approx(-w));
            CHECK(found.discriminator_fake.data()[i] == doctest::Approx(w));
        }
        CHECK(found.generator_loss == doctest::Approx(-fake));
        CHECK(found.discriminator_loss == doctest::Approx(0.0));  // fed the same scores for both
    }
}

TEST_CASE_TEMPLATE("relativistic pairing has the derivatives of its pairs' differences", T, float, double) {
    Graph graph;
    const Shape shape = shape_of(scores);
    const Tensor real = graph.input("real", shape), fake = graph.input("fake", shape);
    const GradientTape tape(graph);
    const models::Losses losses = models::relativistic_pairing(real, fake);
    auto program =
        compile<T>(graph, {losses.discriminator, losses.generator, tape.gradient(losses.discriminator, real),
                           tape.gradient(losses.generator, real), tape.gradient(losses.generator, fake)});
    const auto of_real = testing::converted<T>(scores), of_fake = testing::converted<T>(weights);
    program.run({{real, of_real}, {fake, of_fake}});
    const double tolerance = std::is_same_v<T, float> ? 1e-6 : 1e-12;
    const auto n = static_cast<double>(scores.size());
    double discriminator = 0, generator = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const double difference = scores.data()[i] - weights.data()[i];
        discriminator += softplus_of(-difference) / n;
        generator += softplus_of(difference) / n;
        const double slopes[] = {-sigmoid_of(-difference) / n, sigmoid_of(difference) / n,
                                 -sigmoid_of(difference) / n};
        for (std::size_t k = 0; k < 3; ++k)
            CHECK(static_cast<double>(program[2 + k].data()[i]) ==
                  doctest::Approx(slopes[k]).epsilon(tolerance).scale(0.1));
    }
    CHECK(static_cast<double>(*program[0].data()) == doctest::Approx(discriminator).epsilon(tolerance));
    CHECK(static_cast<double>(*program[1].data()) == doctest::Approx(generator).epsilon(tolerance));
    CHECK_THROWS_AS(models::relativistic_pairing(real, graph.input("few", {2, 1})), ShapeError);
}

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

TEST_CASE("scores, weights, images and fakes that pair have shapes that pair") {
    Graph graph;
    const Tensor real = graph.input("real", {4, 2}), fake = graph.input("fake", {4, 1}),
                 weights = graph.input("weights", {4}), column = graph.input("column", {4, 1});
    const GradientTape tape(graph);
    const Tensor score = sum(real, {1}, true), flat = sum(real, {1}), square_of_scores = score * flat;
    const auto message_of = [](const std::function<void()>& action) {
        try {
            action();
        } catch (const ShapeError& error) {
            return std::string(error.what());
        }
        return std::string("nothing was thrown");
    };
    const auto expect = [&](const std::string& part, const std::function<void()>& action) {
        const std::string message = message_of(action);
        CHECK_MESSAGE(message.find(part) != std::string::npos, message);
    };
    const NodeId before = graph.size();
    for (const models::LossFunction loss : {models::minimax, models::non_saturating, models::wasserstein}) {
        expect("scores of real samples and their weights have the shapes (4, 1) and (4)", [&] {
            loss(score, score, {weights, {}});
        });
        expect("scores of fake samples and their weights have the shapes (4, 1) and (4)", [&] {
            loss(score, score, {column, weights});
        });
    }
    expect("r1: scores of shape (4, 4) do not fit images of shape (4, 2)",
           [&] { models::r1(tape, square_of_scores, real, 1); });
    expect("gradient_penalty: scores of shape (4, 4) do not fit images of shape (4, 2)",
           [&] { models::gradient_penalty(tape, square_of_scores, real, 1); });
    expect("r1: scores of shape () do not fit", [&] { models::r1(tape, sum(score), real, 1); });
    expect("interpolated: real and fake images have the shapes (4, 2) and (4, 1)",
           [&] { models::interpolated(real, fake); });
    CHECK(graph.size() == before + 1);  // the sum
    CHECK_NOTHROW(models::minimax(score, sum(fake, {1}, true), {column, {}}));
    CHECK_NOTHROW(models::r1(tape, flat, real, 1));
}
