#include <doctest/doctest.h>

#include "joint_step.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

models::Model small_dcgan() {
    return make_gan({{5, 6, 4}, {4, 6}, 8, 8, 1, "dcgan"}, 3);
}

models::Network normalization() {
    models::Network network("net");
    network.add_batch_norm({.channels = 2}, 0);
    return network;
}

const Array first_batch = {{1.0F, -2.0F}, {3.0F, 0.0F}, {5.0F, 5.0F}},
            second_batch = {{0.0F, 0.0F}, {1.0F, 2.0F}, {5.0F, -2.0F}};

}  // namespace

TEST_CASE("batch normalisation is named and starts as PyTorch's") {
    const models::Network network = normalization();
    REQUIRE(network.variables().size() == 2);
    REQUIRE(network.statistics().size() == 2);
    CHECK(network.variables()[0].name() == "net.0.weight");
    CHECK(network.variables()[1].name() == "net.0.bias");
    CHECK(network.statistics()[0].name() == "net.0.running_mean");
    CHECK(network.statistics()[1].name() == "net.0.running_var");
    CHECK(network.variables()[0].value() == Array{1.0F, 1.0F});
    CHECK(network.statistics()[0].value() == Array{0.0F, 0.0F});
    CHECK(network.statistics()[1].value() == Array{1.0F, 1.0F});
}

TEST_CASE("a second training call continues the running statistics of the first, in declaration order") {
    const models::Network network = normalization();
    Graph graph;
    const Tensor first = graph.input("first", {3, 2}), second = graph.input("second", {3, 2});
    const GradientTape tape(graph);
    const Tensor of_first = network(first), of_second = network(second);
    const Tensor loss = mean(square(of_first)) + mean(of_second);
    Sgd sgd("sgd", {1e-3});
    CHECK(graph.owed_updates().size() == 2);
    auto program = compile<double>(graph, {loss}, {sgd.apply(tape.gradient(loss, network.variables()))});
    const auto a = converted<double>(first_batch), b = converted<double>(second_batch);
    program.run({{first, a}, {second, b}});
    // Means (3, 1) then (2, 0); unbiased variances (4, 13) then (7, 4).
    const ArrayOf<double>& mean = program.value(network.statistics()[0]);
    const ArrayOf<double>& variance = program.value(network.statistics()[1]);
    CHECK(mean(0) == doctest::Approx(0.9 * 0.1 * 3 + 0.1 * 2));
    CHECK(mean(1) == doctest::Approx(0.9 * 0.1 * 1 + 0.1 * 0));
    CHECK(variance(0) == doctest::Approx(0.9 * (0.9 + 0.1 * 4) + 0.1 * 7));
    CHECK(variance(1) == doctest::Approx(0.9 * (0.9 + 0.1 * 13) + 0.1 * 4));
}

TEST_CASE("inference normalises by the running statistics, and declares none") {
    const models::Network network = normalization();
    network.statistics()[0].assign(Array{1.0F, -1.0F});
    network.statistics()[1].assign(Array{4.0F, 0.25F});
    network.variables()[0].assign(Array{2.0F, 1.0F});
    network.variables()[1].assign(Array{0.5F, 0.0F});
    Graph graph;
    const Tensor x = graph.input("x", {3, 2});
    auto program = compile<double>(graph, {network(x, models::Mode::inference)});
    CHECK(graph.owed_updates().empty());
    const auto fed = converted<double>(first_batch);
    const ArrayOf<double>& y = program.run({{x, fed}}).front();
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(y(i, 0) == doctest::Approx((fed(i, 0) - 1) / std::sqrt(4 + 1e-5) * 2 + 0.5));
        CHECK(y(i, 1) == doctest::Approx((fed(i, 1) + 1) / std::sqrt(0.25 + 1e-5)));
    }
}

TEST_CASE("a program that trains one parameter owes the running statistics, unless it is given its own") {
    const models::Network network = normalization();
    Graph graph;
    const Tensor x = graph.input("x", {3, 2});
    const GradientTape tape(graph);
    const Tensor loss = mean(square(network(x)));
    Sgd sgd("sgd");
    const std::vector<Variable> scale{network.variables()[0]}, statistics = network.statistics();
    const Updates trained = sgd.apply(tape.gradient(loss, scale));
    const auto statistics_after = [&](const std::vector<Updates>& updates) {
        for (const Variable& statistic : statistics) statistic.fill(7.0F);
        auto program = compile<float>(graph, {loss}, updates);
        program.run({{x, first_batch}});
        return values_of(statistics);
    };
    const std::vector<Array> kept{{7.0F, 7.0F}, {7.0F, 7.0F}};
    CHECK(all_same_bits(statistics_after({}), kept));
    const std::vector<Array> moved = statistics_after({trained});
    CHECK(moved[0](0) == doctest::Approx(0.9 * 7 + 0.1 * 3));
    CHECK(moved[1](1) == doctest::Approx(0.9 * 7 + 0.1 * 13));
    const Updates own{{statistics[0], graph.read(statistics[0]) - 1.0}};
    const std::vector<Array> with_own = statistics_after({trained, own});
    CHECK(with_own[0] == Array{6.0F, 6.0F});
    CHECK(all_same_bits({with_own[1]}, {moved[1]}));
}

TEST_CASE("running statistics move only in the step that trains their own network") {
    const models::Model model = small_dcgan();
    Adam generator_adam("generator_adam", {2e-4, 0.5}), discriminator_adam("discriminator_adam", {2e-4, 0.5});
    const JointStep step(model, models::non_saturating, 0, 4, generator_adam, discriminator_adam);
    auto discriminator_step = compile<float>(step.graph, step.fetches, {step.discriminator_updates});
    auto generator_step = compile<float>(step.graph, step.fetches, {step.generator_updates});
    const Array real = filled(Shape{4, 1, 8, 8}, 0.25F), noise = filled(Shape{4, 5}, 0.5F);
    const auto of_generator = [&] { return values_of(model.generator().statistics()); };
    const auto of_discriminator = [&] { return values_of(model.discriminator().statistics()); };
    const auto generator_before = of_generator(), discriminator_before = of_discriminator();
    discriminator_step.run({{step.real, real}, {step.noise, noise}});
    CHECK(all_same_bits(generator_before, of_generator()));
    CHECK_FALSE(all_same_bits(discriminator_before, of_discriminator()));
    const auto discriminator_after = of_discriminator();
    generator_step.run({{step.real, real}, {step.noise, noise}});
    CHECK_FALSE(all_same_bits(generator_before, of_generator()));
    CHECK(all_same_bits(discriminator_after, of_discriminator()));
}

TEST_CASE("a network in another is trained with its statistics, and a batch of one is refused") {
    models::Network main("net.0.main");
    main.add_batch_norm({.channels = 2}, 0);
    models::Network network("net");
    network.add_residual(main, models::Network("net.0.shortcut"));
    CHECK(network.statistics()[0].name() == "net.0.main.0.running_mean");
    Graph graph;
    const Tensor x = graph.input("x", {3, 2}), one = graph.input("one", {1, 2});
    network(x);
    CHECK(graph.owed_updates().size() == 2);
    CHECK_THROWS_AS(network(one), ShapeError);
    CHECK_NOTHROW(network(one, models::Mode::inference));
}

TEST_CASE("a statistic of another shape or graph cannot be declared") {
    Graph graph, other;
    const Variable statistic("mean", Shape{2}, 0.0F);
    CHECK_THROWS_AS(graph.declare_update(statistic, graph.input("x", {3}), {}), ShapeError);
    CHECK_THROWS_AS(graph.declare_update(statistic, other.input("x", {2}), {}), Error);
}
