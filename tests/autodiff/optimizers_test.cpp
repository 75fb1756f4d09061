#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/autodiff/adam.hpp>
#include <duet/autodiff/rate_schedule.hpp>
#include <duet/autodiff/rms_prop.hpp>
#include <duet/autodiff/sgd.hpp>
#include <duet/data/safetensors.hpp>
#include <duet/graph/error.hpp>
#include <duet/graph/runtime/program.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/broadcast.hpp>

using namespace duet;

namespace {

template <class T>
double distance(const ArrayOf<T>& a, const ArrayOf<double>& b) {
    REQUIRE(a.size() == b.size());
    double difference = 0, norm = 0;
    for (std::size_t i = 0; i < b.size(); ++i) {
        difference += std::pow(static_cast<double>(a.data()[i]) - b.data()[i], 2);
        norm += b.data()[i] * b.data()[i];
    }
    return std::sqrt(difference / norm);
}

template <class T>
ArrayOf<T> part(const ArrayOf<double>& array, std::size_t index, const Shape& shape) {
    ArrayOf<T> result = filled(shape, T(0));
    for (std::size_t i = 0; i < shape.elements(); ++i)
        result.data()[i] = static_cast<T>(array.data()[index * shape.elements() + i]);
    return result;
}

using Make = std::function<std::unique_ptr<Optimizer>()>;

/// Five steps of the optimizer against PyTorch's, in T.
template <class T>
void compare_with_torch(const std::string& rule, const Make& make, double tolerance) {
    CAPTURE(rule);
    const auto fixture =
        read_safetensors_as<double>(DUET_SOURCE_DIR "/tests/fixtures/optimizers.safetensors");
    const ArrayOf<double>& initial = *fixture.find("initial");
    const ArrayOf<double>& gradients = *fixture.find("gradients");
    const Variable weight("weight", part<float>(initial, 0, {3, 4}));
    Graph graph;
    const Tensor gradient = graph.input("gradient", {3, 4});
    const auto optimizer = make();
    Program<T> program = compile<T>(graph, {}, {optimizer->apply({{weight, gradient}})});
    for (std::size_t step = 0; step < 5; ++step) {
        const ArrayOf<T> fed = part<T>(gradients, step, {3, 4});
        program.run({{gradient, fed}});
        CHECK(distance(program.value(weight), *fixture.find(fmt::format("{}/step{}", rule, step + 1))) <
              tolerance);
    }
}

std::string message_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "nothing was thrown";
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::vector<std::string> names(const Optimizer& optimizer) {
    std::vector<std::string> result;
    for (const Variable& variable : optimizer.variables()) result.push_back(variable.name());
    return result;
}

}  // namespace

TEST_CASE("optimizers step as PyTorch's do") {
    const std::pair<std::string, Make> rules[] = {
        {"sgd", [] { return std::make_unique<Sgd>("optimizer", SgdOptions{0.1}); }},
        {"momentum",
         [] {
             return std::make_unique<Sgd>("optimizer", SgdOptions{0.1, 0.9});
         }},
        {"nesterov",
         [] {
             return std::make_unique<Sgd>("optimizer", SgdOptions{0.1, 0.9, true});
         }},
        {"adam",
         [] {
             return std::make_unique<Adam>("optimizer", AdamOptions{2e-4, 0.5});
         }},
        {"rmsprop", [] { return std::make_unique<RmsProp>("optimizer"); }}};
    for (const auto& [rule, make] : rules) {
        compare_with_torch<double>(rule, make, 1e-12);
        compare_with_torch<float>(rule, make, 1e-6);
    }
}

TEST_CASE("centered RMSProp with momentum follows its formula") {
    RmsProp optimizer("optimizer", {0.1, 0.9, 1e-8, 0.5, true});
    const Variable weight("weight", Shape{}, 1.0f);
    Graph graph;
    const Tensor gradient = graph.input("gradient", {});
    Program<double> program = compile<double>(graph, {}, {optimizer.apply({{weight, gradient}})});
    double p = 1, square = 0, mean = 0, buffer = 0;
    for (const double g : {0.5, -2.0, 1.5}) {
        square = 0.9 * square + 0.1 * g * g;
        mean = 0.9 * mean + 0.1 * g;
        buffer = 0.5 * buffer + g / (std::sqrt(square - mean * mean) + 1e-8);
        p -= 0.1 * buffer;
        program.run({{gradient, filled<double>({}, g)}});
        CHECK(*program.value(weight).data() == doctest::Approx(p).epsilon(1e-13));
    }
}

TEST_CASE("Adam corrects its bias in float32 without cancellation") {
    Adam optimizer("optimizer", {1e-3, 0.9, 0.99999});
    const Variable weight("weight", Shape{}, 0.0f);
    Graph graph;
    Program<float> program = compile<float>(graph, {}, {optimizer.apply({{weight, graph.constant(0.3)}})});
    program.run({});
    CHECK(*weight.data() == doctest::Approx(-1e-3).epsilon(1e-6));
}

TEST_CASE("Adam with a beta of zero corrects nothing") {
    Adam optimizer("optimizer", {0.5, 0.0, 0.0});
    const Variable weight("weight", Shape{}, 1.0f);
    Graph graph;
    Program<double> program = compile<double>(graph, {}, {optimizer.apply({{weight, graph.constant(-3.0)}})});
    program.run({});
    CHECK(*program.value(weight).data() == doctest::Approx(1.5));
}

TEST_CASE("slots, step count and rate are named variables, shared by every program") {
    Adam optimizer("adam", {1e-3, 0.5});
    const Variable a("a", {2}, 1.0f), b("b", {3}, 1.0f);
    CHECK(names(optimizer) == std::vector<std::string>{"adam.rate", "adam.rate_remainder"});
    Graph first, second;
    Program<float> one =
        compile<float>(first, {}, {optimizer.apply({{a, broadcast_to(first.constant(1.0), {2})}})});
    const std::vector<std::string> of_a{"adam.rate", "adam.rate_remainder", "adam.step", "adam.mean.a",
                                        "adam.square.a"};
    CHECK(names(optimizer) == of_a);
    Program<float> two = compile<float>(second, {},
                                        {optimizer.apply({{a, broadcast_to(second.constant(1.0), {2})},
                                                          {b, broadcast_to(second.constant(1.0), {3})}})});
    CHECK(names(optimizer).size() == 7);
    CHECK(optimizer.variables()[3].shape() == Shape{2});
    CHECK(optimizer.variables()[6].shape() == Shape{3});
    one.run({});
    two.run({});
    const Variable step = optimizer.variables()[2], mean = optimizer.variables()[3];
    CHECK(*step.data() == 2);
    CHECK(*mean.data() == doctest::Approx(0.75));
}

TEST_CASE("programs outlive the optimizer, and a new rate needs no new program") {
    const Variable weight("weight", Shape{}, 1.0f);
    Graph graph;
    auto optimizer = std::make_unique<Sgd>("sgd", SgdOptions{0.1});
    Program<float> program = compile<float>(graph, {}, {optimizer->apply({{weight, graph.constant(1.0)}})});
    program.run({});
    CHECK(*weight.data() == doctest::Approx(0.9));
    const RateSchedule schedule = step_decay(0.4, 1, 0.5);
    optimizer->set_rate(schedule(1));
    CHECK(optimizer->rate() == doctest::Approx(0.2).epsilon(1e-12));
    program.run({});
    CHECK(*weight.data() == doctest::Approx(0.7));
    optimizer->set_rate(0);
    program.run({});
    CHECK(*weight.data() == doctest::Approx(0.7));
    optimizer.reset();
    program.run({});
    CHECK(*weight.data() == doctest::Approx(0.7));
}

TEST_CASE("update nodes and updates carry the line of apply") {
    Sgd optimizer("sgd");
    const Variable weight("weight", Shape{}, 1.0f);
    Graph graph;
    const Tensor gradient = graph.constant(1.0);
    const NodeId before = graph.size();
    const Updates updates = optimizer.apply({{weight, gradient}});
    const unsigned line = __LINE__ - 1;
    REQUIRE(updates.size() == 1);
    CHECK(updates[0].variable == weight);
    CHECK(updates[0].where.line == line);
    for (NodeId id = before; id < graph.size(); ++id) CHECK(graph.node(id).where.line == line);
}

TEST_CASE("optimizers refuse options outside their ranges") {
    const double infinity = std::numeric_limits<double>::infinity();
    for (const double rate : {0.0, -1.0, infinity, std::nan(""), 1e-300, 1e300}) {
        CAPTURE(rate);
        CHECK_THROWS_AS(Sgd("sgd", {rate}), Error);
        CHECK_THROWS_AS(Adam("adam", {rate}), Error);
        CHECK_THROWS_AS(RmsProp("rms_prop", {rate}), Error);
    }
    for (const double beta : {-0.1, 1.0, std::nan("")}) {
        CHECK_THROWS_AS(Adam("adam", {1e-3, beta}), Error);
        CHECK_THROWS_AS(Adam("adam", {1e-3, 0.9, beta}), Error);
        CHECK_THROWS_AS(Sgd("sgd", {1e-3, beta}), Error);
        CHECK_THROWS_AS(RmsProp("rms_prop", {1e-3, beta}), Error);
        CHECK_THROWS_AS(RmsProp("rms_prop", {1e-3, 0.9, 1e-8, beta}), Error);
    }
    CHECK_THROWS_AS(Adam("adam", {1e-3, 0.9, 0.999, -1}), Error);
    CHECK_THROWS_AS(Adam("adam", {1e-3, 0.9, 0.999, 1e-8, -1}), Error);
    CHECK_THROWS_AS(Adam("adam", {1e-3, 0.9, 0.999, 1e-8, infinity}), Error);
    CHECK_THROWS_AS(Sgd("sgd", {1e-3, 0.0, true}), Error);
    CHECK_THROWS_AS(Sgd(""), Error);
    Sgd sgd("sgd");
    CHECK_THROWS_AS(sgd.set_rate(-1), Error);
    CHECK_THROWS_AS(sgd.set_rate(infinity), Error);
    CHECK(sgd.rate() == doctest::Approx(1e-2));
    const std::string message = message_of([] { Adam("generator_adam", {1e-3, 1.5}); });
    CHECK(contains(message, "generator_adam"));
    CHECK(contains(message, "beta1 is 1.5"));
    CHECK(contains(message, "optimizers_test.cpp"));
}

TEST_CASE("apply refuses gradients that do not belong together") {
    const Variable a("a", {2}, 1.0f), namesake("a", {2}, 1.0f);
    Graph graph, other;
    const Tensor gradient = graph.input("gradient", {2}), narrow = graph.input("narrow", {1});
    const Tensor foreign = other.input("gradient", {2});
    Sgd optimizer("sgd", {0.1, 0.9});
    CHECK(contains(message_of([&] { optimizer.apply({{a, gradient}, {a, gradient}}); }), "a comes twice"));
    CHECK(contains(message_of([&] {
                       optimizer.apply({{a, gradient}, {namesake, gradient}});
                   }),
                   "are called a"));
    CHECK_THROWS_AS(optimizer.apply({{a, narrow}}), ShapeError);
    CHECK(contains(message_of([&] { optimizer.apply({{a, narrow}}); }), "narrow (1)"));
    CHECK_THROWS_AS(optimizer.apply({{a, gradient}, {namesake, foreign}}), Error);
    CHECK_THROWS_AS(optimizer.apply({{a, Tensor()}}), Error);
    CHECK_THROWS_AS(optimizer.apply({}), Error);
    CHECK(names(optimizer).size() == 2);
    optimizer.apply({{a, gradient}});
    CHECK(contains(message_of([&] { optimizer.apply({{namesake, gradient}}); }), "are called a"));
}
