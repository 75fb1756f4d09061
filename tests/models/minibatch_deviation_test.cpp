#include <doctest/doctest.h>

#include <memory>

#include <duet/models/networks/build.hpp>
#include <duet/models/networks/minibatch_deviation.hpp>

#include "pair.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

void compare(const std::string& name, std::size_t group) {
    const auto fixture = read_safetensors_as<double>(testing::fixture("minibatch_deviation"));
    const auto of = [&](const std::string& what) -> const ArrayOf<double>& {
        const ArrayOf<double>* array = fixture.find(name + "/" + what);
        REQUIRE_MESSAGE(array, what);
        return *array;
    };
    CAPTURE(name);
    Graph graph;
    const Tensor x = graph.input("x", shape_of(of("input0")));
    const GradientTape tape(graph);
    const Tensor y = models::minibatch_deviation(x, group);
    const Tensor seed = graph.input("seed", y.shape());
    const Tensor gradient = tape.gradient(sum(y * seed), x);
    auto program = compile<double>(graph, {y, gradient});
    program.run({{x, of("input0")}, {seed, of("seed")}});
    REQUIRE(shape_of(program[0]) == shape_of(of("output")));
    CHECK(relative_error(program[0], of("output")) < 1e-12);
    CHECK(relative_error(program[1], of("gradient0")) < 1e-10);
}

Spec minibatch_deviation(std::size_t group) {
    return models::layer("minibatch-deviation", {{"group", group}});
}

models::Network built(const std::vector<Spec>& layers) {
    return models::build(models::standard_catalogue(), models::Network("net"), layers, 0);
}

}  // namespace

TEST_CASE("the minibatch deviation equals PyTorch's, of maps, rows and batches below the group") {
    compare("maps", 3);
    compare("rows", 4);
    compare("smaller", 4);
}

TEST_CASE("gradients of the minibatch deviation are right to second order") {
    for (const Shape& shape : {Shape{3, 2, 2, 1}, Shape{6, 3}}) {
        const auto report = check_gradients(
            [](Graph&, const std::vector<Tensor>& x) { return models::minibatch_deviation(x[0], 3); },
            {shape}, -1.0, 1.0);
        CHECK_MESSAGE(report.passed, report.message);
        CHECK(report.comparisons == 2);
    }
}

TEST_CASE("groups that do not divide the batch, and tensors without channels, are refused") {
    Graph graph;
    const Tensor x = graph.input("x", {6, 2});
    CHECK_THROWS_AS(models::minibatch_deviation(x, 4), ShapeError);
    CHECK_THROWS_AS(models::minibatch_deviation(x, 0), ShapeError);
    CHECK_THROWS_AS(models::minibatch_deviation(graph.input("y", {6}), 2), ShapeError);
    CHECK_NOTHROW(models::minibatch_deviation(x, 7));
    CHECK(built({minibatch_deviation(2)})(x).shape() == Shape{6, 3});
    CHECK(built({minibatch_deviation(2)}).mixes_samples());
}

TEST_CASE(
    "a DCGAN's discriminator with minibatch deviation trains to the same bits on any number of threads") {
    const Settings settings{"batch=8", "networks.discriminator.minibatch_deviation=4"};
    const Pair pair{{16, 16, 8}, {8, 16}, 28, 28, 1, "dcgan"};
    const auto digits =
        std::make_shared<Dataset>(load_images(std::string(DUET_SOURCE_DIR) + "/data/mnist", Split::train));
    const auto trained = [&](std::size_t threads) {
        const models::Model model = models::model_of(models::standard_catalogue(), recipe_of(pair, settings));
        const Variable score =
            model.discriminator().variables()[model.discriminator().variables().size() - 2];
        CHECK(score.shape() == Shape{1, 17 * 7 * 7});
        models::Trainer trainer = gan_trainer(model, pair, settings, digits, {.threads = threads});
        for (int i = 0; i < 2; ++i) trainer.step();
        return Array(score.value());
    };
    CHECK(same_bits(trained(1), trained(3)));
}
