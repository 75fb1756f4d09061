#include <algorithm>
#include <limits>

#include <doctest/doctest.h>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;
using models::clip_by_global_norm;
using models::clip_weights;

namespace {

/// The gradients of 3 a + 4 b, by a rule.
std::vector<float> gradients_by(const models::GradientRule& rule) {
    const Variable a("a", Shape{}, 0.5F), b("b", Shape{1}, -0.5F);
    Graph graph;
    const GradientTape tape(graph);
    const Tensor loss = 3.0 * graph.read(a) + sum(4.0 * graph.read(b));
    const VariableGradients gradients = rule(tape, loss, {a, b});
    REQUIRE(gradients.size() == 2);
    CHECK(gradients[0].variable == a);
    Program<float> program = compile<float>(graph, {gradients[0].gradient, gradients[1].gradient});
    const auto found = program.run({});
    return {*found[0].data(), *found[1].data()};
}

models::GradientRule scaled(double factor) {
    return [=](const GradientTape& tape, const Tensor& loss, const std::vector<Variable>& variables) {
        VariableGradients gradients = tape.gradient(loss, variables);
        for (VariableGradient& each : gradients) each.gradient = factor * each.gradient;
        return gradients;
    };
}

}  // namespace

TEST_CASE("gradients are clipped by the norm of all of them together") {
    CHECK(gradients_by(clip_by_global_norm(6.0)) == std::vector<float>{3, 4});
    CHECK(gradients_by(scaled(0.0)) == gradients_by(clip_by_global_norm(1.0, scaled(0.0))));
    const std::vector<float> clipped = gradients_by(clip_by_global_norm(2.5));
    CHECK(clipped[0] == doctest::Approx(1.5).epsilon(1e-6));
    CHECK(clipped[1] == doctest::Approx(2.0).epsilon(1e-6));
    const std::vector<float> after_another = gradients_by(clip_by_global_norm(2.5, scaled(0.25)));
    CHECK(after_another == std::vector<float>{0.75, 1});
}

TEST_CASE("weights are clipped after the step, their slots and other updates are not") {
    const auto sgd = std::make_shared<Sgd>("sgd", SgdOptions{1.0, 0.5});
    const Variable weight("weight", Shape{3}, 0.0F), other("other", Shape{}, 0.0F);
    Graph graph;
    const Tensor gradient = graph.input("gradient", Shape{3});
    Updates updates = sgd->apply({{weight, gradient}});
    updates.push_back({other, graph.constant(7.0)});
    updates = clip_weights(sgd, 0.25)(graph, updates);
    REQUIRE(updates.size() == 3);
    Program<float> program = compile<float>(graph, {}, {updates});
    Array fed = filled(Shape{3}, 0.0F);
    fed(0) = 2, fed(1) = -2, fed(2) = 0.125F;
    program.run({{gradient, fed}});
    CHECK(weight.value()(0) == -0.25F);
    CHECK(weight.value()(1) == 0.25F);
    CHECK(weight.value()(2) == -0.125F);
    CHECK(sgd->variables().back().value() == fed);
    CHECK(*other.data() == 7);
    fed(0) = std::numeric_limits<float>::quiet_NaN();
    program.run({{gradient, fed}});
    CHECK(std::isnan(weight.value()(0)));
}

TEST_CASE("each update rule sees what the one before made") {
    const auto average_after_a_step = [&](bool clip_first) {
        const Variable weight("weight", Shape{}, 0.0F);
        const models::MovingAverage average({weight}, 0.5);
        const auto optimizer = std::make_shared<Sgd>("sgd", SgdOptions{1.0});
        std::vector<models::UpdateRule> rules{clip_weights(optimizer, 0.25), average.rule()};
        if (!clip_first) std::swap(rules[0], rules[1]);
        Graph graph;
        Updates updates = optimizer->apply({{weight, graph.constant(-1.0)}});
        for (const models::UpdateRule& rule : rules) updates = rule(graph, updates);
        Program<float> program = compile<float>(graph, {}, {updates});
        program.run({});
        CHECK(*weight.data() == 0.25F);
        return *average.averages()[0].data();
    };
    CHECK(average_after_a_step(true) == 0.125F);
    CHECK(average_after_a_step(false) == 0.5F);
}

TEST_CASE("bounds that are none are refused") {
    const auto sgd = std::make_shared<Sgd>("sgd");
    for (const double bound : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
        CAPTURE(bound);
        CHECK_THROWS_WITH_AS(clip_by_global_norm(bound), doctest::Contains("gradient clipping: the norm is"),
                             Error);
        CHECK_THROWS_WITH_AS(clip_weights(sgd, bound), doctest::Contains("weight clipping: the bound is"),
                             Error);
    }
    CHECK_THROWS_WITH_AS(clip_weights(nullptr, 1), doctest::Contains("optimizer"), Error);
}
