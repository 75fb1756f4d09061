#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <duet/models/networks/build.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

struct Spread {
    double mean = 0, deviation = 0, largest = 0;
};

Spread spread_of(const Array& array) {
    Spread spread;
    const auto n = static_cast<double>(array.size());
    for (std::size_t i = 0; i < array.size(); ++i) {
        spread.mean += array.data()[i] / n;
        spread.largest = std::max(spread.largest, std::abs(static_cast<double>(array.data()[i])));
    }
    for (std::size_t i = 0; i < array.size(); ++i)
        spread.deviation += std::pow(array.data()[i] - spread.mean, 2) / n;
    spread.deviation = std::sqrt(spread.deviation);
    return spread;
}

Array weight(models::Initializer initializer, const std::string& name = "w", std::uint64_t seed = 1) {
    return models::initialized(name, {300, 200}, initializer, seed).value();
}

}  // namespace

TEST_CASE("initializers have the spread of their papers") {
    using Kind = models::Initializer::Kind;
    // 60,000 draws: the standard error of a deviation is 0.3 % of it.
    const Spread glorot = spread_of(weight({Kind::glorot_uniform}));
    const double limit = std::sqrt(6.0 / 500.0);
    CHECK(glorot.largest <= limit);
    CHECK(glorot.largest > 0.99 * limit);
    CHECK(glorot.deviation == doctest::Approx(limit / std::sqrt(3.0)).epsilon(0.02));
    CHECK(std::abs(glorot.mean) < 0.02 * limit);
    const Spread he = spread_of(weight({Kind::he_normal}));
    CHECK(he.deviation == doctest::Approx(std::sqrt(2.0 / 200.0)).epsilon(0.02));
    const Spread normal = spread_of(weight({Kind::normal, 0.02}));
    CHECK(normal.deviation == doctest::Approx(0.02).epsilon(0.02));
    CHECK(normal.largest > 3 * 0.02);
}

TEST_CASE("initial values depend on seed and name alone") {
    CHECK(same_bits(weight({}), weight({})));
    CHECK_FALSE(same_bits(weight({}, "w", 1), weight({}, "w", 2)));
    CHECK_FALSE(same_bits(weight({}, "w"), weight({}, "v")));
    const auto narrow = models::mlp("net", {4, 8, 2}, relu, linear, 7);
    const auto deep = models::mlp("net", {4, 8, 2, 5}, relu, linear, 7);
    CHECK(same_bits(narrow.variables()[0].value(), deep.variables()[0].value()));
}

TEST_CASE("an mlp is named, shaped and computed as torch.nn.Sequential") {
    const auto network = models::mlp("net", {3, 4, 2}, relu, linear, 0);
    REQUIRE(network.variables().size() == 4);
    const char* const names[] = {"net.0.weight", "net.0.bias", "net.2.weight", "net.2.bias"};
    const Shape shapes[] = {{4, 3}, {4}, {2, 4}, {2}};
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(network.variables()[i].name() == names[i]);
        CHECK(network.variables()[i].shape() == shapes[i]);
    }
    CHECK(spread_of(network.variables()[1].value()).largest == 0.0);

    network.variables()[0].assign(Array{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {-1, -1, -1}});
    network.variables()[1].assign(Array{0.5f, 0.0f, 0.0f, 10.0f});
    network.variables()[2].assign(Array{{1, 1, 1, 1}, {1, -1, 0, 2}});
    network.variables()[3].assign(Array{0.0f, 1.0f});
    Graph graph;
    const Tensor x = graph.input("x", {1, 3});
    auto program = compile<float>(graph, {network(x)});
    // Hidden: relu(1.5, 2, -3, 10 - 0) with 1 + 2 - 3 = 0.
    CHECK(program.run({{x, Array{{1.0f, 2.0f, -3.0f}}}}).front() == Array{{13.5f, 20.5f}});
}

TEST_CASE("networks of other batch sizes share their variables") {
    const auto network = models::mlp("net", {3, 2}, relu, tanh, 5);
    Graph graph;
    const Tensor one = graph.input("one", {1, 3}), many = graph.input("many", {4, 3});
    auto program = compile<float>(graph, {network(one), network(many)});
    const Array row = {{0.25f, -0.5f, 1.0f}};
    Array rows = filled(Shape{4, 3}, 0.0f);
    for (std::size_t i = 0; i < rows.size(); ++i) rows.data()[i] = row.data()[i % 3];
    program.run({{one, row}, {many, rows}});
    for (std::size_t i = 0; i < 8; ++i)
        CHECK(program[1].data()[i] == doctest::Approx(program[0].data()[i % 2]).epsilon(1e-6));
}

TEST_CASE("widths that make no network are refused") {
    CHECK_THROWS_AS(models::mlp("net", {3}, relu, linear, 0), Error);
    CHECK_THROWS_AS(models::mlp("net", {3, 0, 2}, relu, linear, 0), Error);
}

TEST_CASE("numbers that make no layer are refused, NaN among them") {
    const double infinity = std::numeric_limits<double>::infinity(), nan_value = std::nan("");
    const auto batch_norm = [](double models::BatchNormLayer::*number, double value) {
        models::BatchNormLayer layer{.channels = 2};
        layer.*number = value;
        models::Network("net").add_batch_norm(layer, 0);
    };
    for (const double wrong : {-1e-5, nan_value, infinity}) {
        CAPTURE(wrong);
        CHECK_THROWS_AS(batch_norm(&models::BatchNormLayer::epsilon, wrong), Error);
        CHECK_THROWS_AS(batch_norm(&models::BatchNormLayer::momentum, wrong), Error);
        CHECK_THROWS_AS(batch_norm(&models::BatchNormLayer::scale_deviation, wrong), Error);
        CHECK_THROWS_AS(weight({.deviation = wrong}), Error);
        CHECK_THROWS_AS(weight({.gain = wrong}), Error);
    }
    CHECK_THROWS_AS(weight({.mean = nan_value}), Error);
    CHECK_THROWS_AS(batch_norm(&models::BatchNormLayer::momentum, 1.1), Error);
    for (const double right : {0.0, 1.0}) {
        CHECK_NOTHROW(batch_norm(&models::BatchNormLayer::epsilon, right));
        CHECK_NOTHROW(batch_norm(&models::BatchNormLayer::momentum, right));
        CHECK_NOTHROW(batch_norm(&models::BatchNormLayer::scale_deviation, right));
        CHECK_NOTHROW(weight({.deviation = right, .mean = -right, .gain = right}));
    }
}

TEST_CASE("labels and biases of another shape than their samples and outputs are refused") {
    models::Network score("score");
    score.add_projection(2, 3, {}, 0);
    Graph graph;
    const Tensor x = graph.input("x", {4, 2}), one = graph.input("one", {1}),
                 column = graph.input("column", {4, 1}), right = graph.input("right", {4});
    for (const Tensor& labels : {one, column})
        CHECK_THROWS_AS(score(x, models::Mode::training, labels), ShapeError);
    CHECK_NOTHROW(score(x, models::Mode::training, right));
    const Variable weight("weight", Shape{4, 2}, 0.0F), bias("bias", Shape{4, 1}, 0.0F);
    CHECK_THROWS_AS(models::dense(x, weight, bias), ShapeError);
    CHECK_NOTHROW(models::dense(x, weight, Variable("bias", Shape{4}, 0.0F)));
}

TEST_CASE("layers are activations by their bare names, beside C's functions") {
    models::Network network = models::mlp("net", {3, 4, 2}, leaky_relu, tanh, 0);
    network.add(exp);
    network.add(sqrt);
    network.add([](Tensor x) { return x + 1.0; });
    Graph graph;
    CHECK(network(graph.input("x", {1, 3})).shape() == Shape{1, 2});
}

TEST_CASE("a network tells whether its layers mix samples and draw, those of residual layers too") {
    const auto built = [](const std::vector<Spec>& layers) {
        return models::build(models::standard_catalogue(), models::Network("net"), layers, 0);
    };
    const auto of = [&](const Spec& layer) {
        const models::Network plain = built({models::layer("relu"), layer}),
                              residual =
                                  built({models::layer("residual", {}, {{"main", list_of_specs({layer})}})});
        CHECK(plain.mixes_samples() == residual.mixes_samples());
        CHECK(plain.draws() == residual.draws());
        return std::pair(plain.mixes_samples(), plain.draws());
    };
    CHECK(of(models::layer("tanh")) == std::pair(false, false));
    CHECK(of(models::layer("dense", {{"inputs", 2}, {"outputs", 2}}, {{"spectral", {true}}})) ==
          std::pair(false, false));
    CHECK(of(models::layer("batch-norm", {{"channels", 2}})) == std::pair(true, false));
    CHECK(of(models::layer("minibatch-deviation")) == std::pair(true, false));
    CHECK(of(models::layer("dropout")) == std::pair(false, true));
}

TEST_CASE("dropout leaves out its share in training, otherwise in each call, and nothing in inference") {
    models::Network network("net");
    network.add_dropout(0.25);
    CHECK_THROWS_AS(network.add_dropout(1.5), Error);
    Graph graph;
    const Tensor x = graph.input("x", {100, 100});
    auto program = compile<float>(graph, {network(x), network(x), network(x, models::Mode::inference)});
    program.run({{x, filled(Shape{100, 100}, 3.0F)}}, 0);
    const auto share_of_zeros = [&](std::size_t fetch) {
        double zeros = 0;
        for (const float value : program[fetch]) {
            if (value == 0.0F)
                zeros += 1e-4;
            else
                CHECK(value == doctest::Approx(3.0 / 0.75));
        }
        return zeros;
    };
    // The standard error of the share is 0.0043.
    CHECK(share_of_zeros(0) == doctest::Approx(0.25).epsilon(0.08));
    CHECK(share_of_zeros(1) == doctest::Approx(0.25).epsilon(0.08));
    CHECK_FALSE(program[0] == program[1]);
    CHECK(program[2] == filled(Shape{100, 100}, 3.0F));
}
