#include <duet/ops/classification.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include <duet/autodiff/gradient_tape.hpp>
#include <duet/data/safetensors.hpp>
#include <duet/graph/error.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/indexing.hpp>
#include <duet/ops/reduce.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

/// The value of `build` and its gradients with regard to the first `targets` inputs, seeded by the last
/// input.
template <class T>
std::vector<ArrayOf<T>> differentiate(const Build& build, const std::vector<ArrayOf<T>>& arrays,
                                      std::size_t targets) {
    Graph graph;
    std::vector<Tensor> inputs;
    for (const auto& value : arrays)
        inputs.push_back(graph.input("input" + std::to_string(inputs.size()), shape_of(value)));
    GradientTape tape(graph);
    std::vector<Tensor> fetches{build(inputs)};
    for (std::size_t i = 0; i < targets; ++i)
        fetches.push_back(tape.gradient(fetches[0], inputs[i], inputs.back()));
    auto program = compile<T>(graph, fetches);
    std::vector<FeedOf<T>> feeds;
    for (std::size_t i = 0; i < inputs.size(); ++i) feeds.push_back({inputs[i], arrays[i]});
    const auto results = program.run(feeds);
    return {results.begin(), results.end()};
}

struct Fixture {
    std::string name;
    std::vector<std::string> inputs, gradients;
    Build build;
};

const std::vector<Fixture>& fixtures() {
    static const std::vector<Fixture> table{
        {"relu", {"input"}, {"gradient"}, [](const auto& in) { return relu(in[0]); }},
        {"leaky_relu", {"input"}, {"gradient"}, [](const auto& in) { return leaky_relu(in[0], 0.2); }},
        {"elu", {"input"}, {"gradient"}, [](const auto& in) { return elu(in[0]); }},
        {"sigmoid", {"input"}, {"gradient"}, [](const auto& in) { return sigmoid(in[0]); }},
        {"tanh", {"input"}, {"gradient"}, [](const auto& in) { return duet::tanh(in[0]); }},
        {"softplus", {"input"}, {"gradient"}, [](const auto& in) { return softplus(in[0]); }},
        {"clip", {"input"}, {"gradient"}, [](const auto& in) { return clip(in[0], -1, 1); }},
        {"abs", {"input"}, {"gradient"}, [](const auto& in) { return duet::abs(in[0]); }},
        {"maximum",
         {"left", "right"},
         {"gradient_left", "gradient_right"},
         [](const auto& in) { return maximum(in[0], in[1]); }},
        {"minimum",
         {"left", "right"},
         {"gradient_left", "gradient_right"},
         [](const auto& in) { return minimum(in[0], in[1]); }},
        {"max", {"input"}, {"gradient"}, [](const auto& in) { return duet::max(in[0], {1}); }},
        {"max_all", {"input"}, {"gradient"}, [](const auto& in) { return duet::max(in[0]); }},
        {"logsumexp", {"input"}, {"gradient"}, [](const auto& in) { return logsumexp(in[0], {1}); }},
        {"softmax_cross_entropy",
         {"input", "labels"},
         {"gradient"},
         [](const auto& in) { return mean(softmax_cross_entropy(in[0], in[1])); }},
        {"sigmoid_cross_entropy",
         {"input", "targets"},
         {"gradient"},
         [](const auto& in) { return mean(sigmoid_cross_entropy(in[0], in[1])); }},
    };
    return table;
}

}  // namespace

TEST_CASE_TEMPLATE("values and gradients are PyTorch's, at kinks and ties too", T, float, double) {
    const auto file = read_safetensors_as<T>(DUET_SOURCE_DIR "/tests/fixtures/ops.safetensors");
    const auto exact = read_safetensors_as<double>(DUET_SOURCE_DIR "/tests/fixtures/ops.safetensors");
    const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-10;
    for (const Fixture& fixture : fixtures()) {
        std::vector<ArrayOf<T>> arrays;
        for (const std::string& input : fixture.inputs)
            arrays.push_back(*file.find(fixture.name + "/" + input));
        arrays.push_back(*file.find(fixture.name + "/seed"));
        const auto results = differentiate<T>(fixture.build, arrays, fixture.gradients.size());
        CHECK_MESSAGE(distance(results[0], values_of(*exact.find(fixture.name + "/output"))) < tolerance,
                      fixture.name);
        for (std::size_t i = 0; i < fixture.gradients.size(); ++i)
            CHECK_MESSAGE(
                distance(results[i + 1], values_of(*exact.find(fixture.name + "/" + fixture.gradients[i]))) <
                    tolerance,
                fixture.name << "/" << fixture.gradients[i]);
    }
}

TEST_CASE_TEMPLATE("softmax and log_softmax of distant logits", T, float, double) {
    const Argument logits{{2, 3}, {300, -300, 300, 0, 1, 2}};
    const double total = 1 + std::exp(1) + std::exp(2);
    CHECK(distance(evaluate<T>([](const auto& in) { return softmax(in[0]); }, {logits}),
                   {0.5, 0, 0.5, 1 / total, std::exp(1) / total, std::exp(2) / total}) < 1e-6);
    CHECK(distance(evaluate<T>([](const auto& in) { return log_softmax(in[0]); }, {logits}),
                   {-std::log(2), -600 - std::log(2), -std::log(2), -std::log(total), 1 - std::log(total),
                    2 - std::log(total)}) < 1e-6);
}

TEST_CASE_TEMPLATE("cross entropies keep their precision at logits of +-300 and where the loss is tiny", T,
                   float, double) {
    const auto losses = evaluate<T>([](const auto& in) { return sigmoid_cross_entropy(in[0], in[1]); },
                                    {{{6}, {300, 300, -300, -300, 20, -20}}, {{6}, {1, 0, 1, 0, 1, 0}}});
    const std::vector<double> expected{0, 300, 300, 0, std::log1p(std::exp(-20)), std::log1p(std::exp(-20))};
    for (std::size_t i = 0; i < 6; ++i) CHECK(losses.data()[i] == doctest::Approx(expected[i]).epsilon(1e-5));
    const auto gradients = differentiate<T>(
        [](const auto& in) { return sigmoid_cross_entropy(in[0], in[1]); },
        {array<T>({4}, {300, -300, 20, -20}), array<T>({4}, {1, 1, 1, 0}), array<T>({4}, {1, 1, 1, 1})},
        1)[1];
    CHECK(std::fabs(gradients.data()[0]) < 1e-30);
    CHECK(gradients.data()[1] == T(-1));
    CHECK(gradients.data()[2] == doctest::Approx(-std::exp(-20)).epsilon(1e-5));
    CHECK(gradients.data()[3] == doctest::Approx(std::exp(-20)).epsilon(1e-5));
}

TEST_CASE_TEMPLATE(
    "masked classes have neither probability nor gradient, and rows without a class are PyTorch's", T, float,
    double) {
    // The expected numbers are those of PyTorch 2.13, which has NaN for the infinite logits of
    // sigmoid_cross_entropy and for distributions beside masked classes.
    const double infinity = std::numeric_limits<double>::infinity(), nan_value = std::nan("");
    const std::vector<double> logits{0,         -infinity, 1,         -infinity, 2,
                                     -infinity, -infinity, -infinity, -infinity};
    const double e = 0.2689414322376251, rest = 0.7310585975646973;
    const auto ones = [](const Shape& shape) { return filled<T>(shape, T(1)); };
    const auto check = [](const ArrayOf<T>& found, const std::vector<double>& expected) {
        REQUIRE(found.size() == expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i) {
            CAPTURE(i);
            const double value = found.data()[i];
            if (std::isnan(expected[i]))
                CHECK(std::isnan(value));
            else
                CHECK((value == expected[i] || value == doctest::Approx(expected[i]).epsilon(1e-6)));
        }
    };
    const std::vector<double> nothing(3, nan_value);
    const auto rows = [&](std::vector<double> first_rows) {
        first_rows.insert(first_rows.end(), nothing.begin(), nothing.end());
        return first_rows;
    };
    const auto x = array<T>({3, 3}, logits);
    auto found = differentiate<T>([](const auto& in) { return softmax(in[0]); }, {x, ones({3, 3})}, 1);
    check(found[0], rows({e, 0, rest, 0, 1, 0}));
    check(found[1], rows({0, 0, 0, 0, 0, 0}));
    found = differentiate<T>([](const auto& in) { return log_softmax(in[0]); }, {x, ones({3, 3})}, 1);
    check(found[0], rows({-1.31326162815094, -infinity, -0.31326165795326233, -infinity, 0, -infinity}));
    check(found[1], rows({0.19317570328712463, 1, -1.1931757926940918, 1, -2, 1}));
    found = differentiate<T>([](const auto& in) { return logsumexp(in[0], {1}); }, {x, ones({3})}, 1);
    check(found[0], {1.31326162815094, 2, -infinity});
    check(found[1], {e, 0, rest, 0, 1, 0, 0, 0, 0});
    for (const bool by_index : {true, false}) {
        const auto labels =
            by_index ? array<T>({3}, {0, 1, 0}) : array<T>({3, 3}, {1, 0, 0, 0, 1, 0, 1, 0, 0});
        found = differentiate<T>([](const auto& in) { return softmax_cross_entropy(in[0], in[1]); },
                                 {x, labels, ones({3})}, 1);
        check(found[0], {1.31326162815094, 0, nan_value});
        check(found[1], rows({-rest, 0, rest, 0, 0, 0}));
    }
    found = differentiate<T>([](const auto& in) { return softmax_cross_entropy(in[0], in[1]); },
                             {x, array<T>({3}, {1, 1, 0}), ones({3})}, 1);
    check(found[0], {infinity, 0, nan_value});
    check(found[1], rows({e, -1, rest, 0, 0, 0}));
    found = differentiate<T>([](const auto& in) { return sigmoid_cross_entropy(in[0], in[1]); },
                             {array<T>({5}, {-infinity, infinity, infinity, -infinity, infinity}),
                              array<T>({5}, {0, 1, 0, 1, 0.5}), ones({5})},
                             1);
    check(found[0], {0, 0, infinity, infinity, infinity});
    check(found[1], {0, 0, 1, -1, 0.5});
}

TEST_CASE("labels are class indices or distributions") {
    const Argument logits{{2, 3}, {1, 2, 3, -1, 0, 1}};
    const auto by_index =
        evaluate([](const auto& in) { return softmax_cross_entropy(in[0], in[1]); }, {logits, {{2}, {2, 0}}});
    const auto by_row = evaluate([](const auto& in) { return softmax_cross_entropy(in[0], in[1]); },
                                 {logits, {{2, 3}, {0, 0, 1, 1, 0, 0}}});
    CHECK(shape_of(by_index) == Shape{2});
    CHECK(values_of(by_index) == values_of(by_row));
    CHECK_THROWS_AS(
        evaluate([](const auto& in) { return softmax_cross_entropy(in[0], in[1]); }, {logits, {{2}, {3, 0}}}),
        FeedError);
    Graph graph;
    const Tensor scalar = graph.input("x", {});
    CHECK_THROWS_AS(softmax(scalar), ShapeError);
    CHECK_THROWS_AS(log_softmax(scalar), ShapeError);
    CHECK_THROWS_AS(softmax_cross_entropy(scalar, scalar), ShapeError);
}

TEST_CASE("the gradient of max is shared by all that tie, also over axes that are not adjacent") {
    const auto gradient = differentiate<double>(
        [](const auto& in) {
            return duet::max(in[0], {0, 2});
        },
        {array({2, 1, 2}, {5, 5, 5, 1}), array({1}, {6})}, 1)[1];
    CHECK(values_of(gradient) == std::vector<double>{2, 2, 2, 0});
}

TEST_CASE("logits and targets have one shape, unless one is a number") {
    Graph graph;
    const Tensor scores = graph.input("scores", {4, 1}), targets = graph.input("targets", {4});
    const std::string message = message_of<ShapeError>([&] { sigmoid_cross_entropy(scores, targets); });
    CHECK_MESSAGE(
        contains(message, "sigmoid_cross_entropy: logits and targets have the shapes (4, 1) and (4)"),
        message);
    CHECK_MESSAGE(contains(message, "argument 2: targets (4), declared at classification_test.cpp"), message);
    CHECK_THROWS_AS(sigmoid_cross_entropy(scores, graph.constant(1.0)), ShapeError);
    CHECK_THROWS_AS(softmax_cross_entropy(graph.input("logits", {4, 3}), scores), ShapeError);
    CHECK(sigmoid_cross_entropy(scores, 1.0).shape() == Shape{4, 1});
    CHECK(sigmoid_cross_entropy(0.0, targets).shape() == Shape{4});
}
