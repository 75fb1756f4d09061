#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "../data/support.hpp"
#include "../graph/support.hpp"
#include "closed_forms.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

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
    const auto fed = converted<T>(scores), fed_weights = converted<T>(weights);
    program.run({{real, fed}, {fake, fed}, {weight, fed_weights}});
    return {static_cast<double>(*program[0].data()), static_cast<double>(*program[1].data()),
            converted<double>(program[2]), converted<double>(program[3]), converted<double>(program[4])};
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

void expect_refused(const std::string& part, const std::function<void()>& action) {
    const std::string message = message_of(action);
    CHECK_MESSAGE(contains(message, part), message);
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
    const auto of_real = converted<T>(scores), of_fake = converted<T>(weights);
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
    const Tensor flat = graph.input("flat weights", {real.shape()[0]});
    CHECK_THROWS_AS(models::minimax_generator(real, flat), ShapeError);
    CHECK_THROWS_AS(models::non_saturating_generator(real, flat), ShapeError);
    CHECK_THROWS_AS(models::wasserstein_generator(real, flat), ShapeError);
    CHECK_THROWS_AS(models::least_squares_generator(real, flat), ShapeError);
    CHECK_THROWS_AS(models::as_listed_generator(real, flat), ShapeError);
}

TEST_CASE("scores and their weights have shapes that pair") {
    Graph graph;
    const Tensor score = graph.input("score", {4, 1}), flat = graph.input("flat", {4});
    const models::LossFunction all[] = {
        models::minimax,
        models::non_saturating,
        models::wasserstein,
        models::hinge,
        models::as_listed,
        [](Operand real, Operand fake, const models::SampleWeights& of) {
            return models::least_squares(real, fake, of);
        },
    };
    const NodeId before = graph.size();
    for (const models::LossFunction loss : all) {
        expect_refused("scores of real samples and their weights have the shapes (4, 1) and (4)", [&] {
            loss(score, score, {flat, {}});
        });
        expect_refused("scores of fake samples and their weights have the shapes (4, 1) and (4)", [&] {
            loss(score, score, {score, flat});
        });
    }
    CHECK(graph.size() == before);
    CHECK_NOTHROW(models::minimax(score, graph.input("fakes", {4, 1}), {score, {}}));
}

TEST_CASE("labels that mean nothing are refused") {
    Graph graph;
    const Tensor score = graph.input("score", {4, 1});
    const double infinity = std::numeric_limits<double>::infinity();
    for (const double label : {0.0, -0.5, 1.5, std::nan("")}) {
        expect_refused("minimax: the label of real samples is",
                       [&] { models::minimax(score, score, {}, label); });
        expect_refused("non_saturating: the label of real samples is",
                       [&] { models::non_saturating(score, score, {}, label); });
    }
    expect_refused("least_squares: the label of real samples is inf; it must be finite",
                   [&] { models::least_squares(score, score, {}, {.real = infinity}); });
    expect_refused("least_squares: the label of fake samples",
                   [&] { models::least_squares(score, score, {}, {.fake = infinity}); });
    expect_refused("least_squares: the label of the generator",
                   [&] { models::least_squares(score, score, {}, {.generator = infinity}); });
}
