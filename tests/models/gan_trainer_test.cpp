#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "../allocations.hpp"
#include "joint_step.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

std::shared_ptr<const Dataset> digits() {
    static const auto data = std::make_shared<const Dataset>(
        load_idx_folder(std::string(DUET_SOURCE_DIR) + "/data/mnist", Split::train));
    return data;
}

const std::vector<Settings> schedules_and_penalties = {
    {"schedule.kind=documented", "penalties=[]"},
    {"schedule.kind=documented", "penalties=[{kind=\"r1\"}]"},
    {"schedule.kind=alternating", "penalties=[]"},
    {"schedule.kind=alternating", "penalties=[{kind=\"r1\"}]"}};

std::vector<Array> train(Settings settings, std::size_t threads, int steps) {
    settings.push_back("batch=32");
    models::Trainer trainer = gan_trainer({}, 3, settings, digits(), {.threads = threads});
    for (int i = 0; i < steps; ++i) trainer.step();
    return values_of(trainer.state().variables());
}

/// The nodes an update needs, by id.
std::set<NodeId> ancestors(const Graph& graph, const std::vector<Tensor>& roots) {
    std::set<NodeId> found;
    std::vector<NodeId> open;
    for (const Tensor& root : roots) open.push_back(root.id());
    while (!open.empty()) {
        const NodeId id = open.back();
        open.pop_back();
        if (!found.insert(id).second) continue;
        for (const NodeId input : graph.node(id).inputs) open.push_back(input);
    }
    return found;
}

}  // namespace

TEST_CASE("same seed, same bits, for 1, 2, 3 and 8 threads") {
    for (const Settings& settings : schedules_and_penalties) {
        const std::vector<Array> one = train(settings, 1, 5);
        for (const std::size_t threads : {1, 2, 3, 8}) CHECK(all_same_bits(one, train(settings, threads, 5)));
    }
}

TEST_CASE("fusion changes no trained bit") {
    // Folding and accumulation are rewrites that round; fusion alone must be exact.
    const models::Model fused_model = make_gan({{10, 16, 16, 49}, {49, 16, 16, 1}, 7, 7}, 5);
    const models::Model plain_model = make_gan({{10, 16, 16, 49}, {49, 16, 16, 1}, 7, 7}, 5);
    const auto run = [](const models::Model& model, bool fuse) {
        Adam generator_adam("generator_adam", {2e-4, 0.5}),
            discriminator_adam("discriminator_adam", {2e-4, 0.5});
        const JointStep step(model, models::non_saturating, 1.0, 8, generator_adam, discriminator_adam);
        CompileOptions options;
        options.fuse = fuse;
        auto program = compile<float>(step.graph, step.fetches,
                                      {step.generator_updates, step.discriminator_updates}, Arena(), options);
        const Array real = filled(Shape{8, 49}, 0.3f), noise = filled(Shape{8, 10}, -0.7f);
        for (int i = 0; i < 5; ++i) program.run({{step.real, real}, {step.noise, noise}});
        return values_of(variables_of(model));
    };
    CHECK(all_same_bits(run(fused_model, true), run(plain_model, false)));
}

TEST_CASE("a training iteration allocates nothing") {
    for (const Settings& settings : schedules_and_penalties)
        for (const std::size_t threads : {1, 2}) {
            models::Trainer trainer = gan_trainer({}, 0, settings, digits(), {.threads = threads});
            trainer.step();
            const std::uint64_t before = allocations();
            double sum = 0;
            for (int i = 0; i < 3; ++i) sum += trainer.step()["discriminator_loss"];
            CHECK(allocations() == before);
            CHECK(std::isfinite(sum));
        }
}

TEST_CASE("each network's step leaves the other's every bit as it was") {
    const models::Model model = make_gan({{10, 16, 16, 49}, {49, 16, 16, 1}, 7, 7}, 0);
    Adam generator_adam("generator_adam", {2e-4, 0.5}), discriminator_adam("discriminator_adam", {2e-4, 0.5});
    const JointStep step(model, models::non_saturating, 1.0, 8, generator_adam, discriminator_adam);
    auto discriminator_step = compile<float>(step.graph, step.fetches, {step.discriminator_updates});
    auto generator_step = compile<float>(step.graph, step.fetches, {step.generator_updates});
    const Array real = filled(Shape{8, 49}, 0.5f), noise = filled(Shape{8, 10}, 1.0f);
    const auto before_generator = values_of(model.generator().variables());
    const auto before_discriminator = values_of(model.discriminator().variables());
    discriminator_step.run({{step.real, real}, {step.noise, noise}});
    CHECK(all_same_bits(before_generator, values_of(model.generator().variables())));
    CHECK_FALSE(all_same_bits(before_discriminator, values_of(model.discriminator().variables())));
    const auto after_discriminator = values_of(model.discriminator().variables());
    generator_step.run({{step.real, real}, {step.noise, noise}});
    CHECK(all_same_bits(after_discriminator, values_of(model.discriminator().variables())));
    CHECK_FALSE(all_same_bits(before_generator, values_of(model.generator().variables())));
}

TEST_CASE("a tape builds nothing of the other network's backward pass") {
    Graph graph;
    const models::Model model = make_gan({{10, 16, 16, 49}, {49, 16, 16, 1}, 7, 7}, 0);
    const Tensor real = graph.input("real", {8, 49}), noise = graph.input("noise", {8, 10});
    const GradientTape tape(graph);
    const Tensor fake = model.generator()(noise);
    const auto losses = models::non_saturating(model.discriminator()(real), model.discriminator()(fake));

    // Shapes tell whose gradient a node is: (16, 10) and (49, 16) are the generator's weights, (16, 49) and
    // (1, 16) the discriminator's. (8, 49) is the gradient with regard to the images, which only the
    // generator needs.
    const auto shapes_built = [&](auto&& build) {
        const NodeId first = graph.size();
        const auto gradients = build();
        std::vector<Tensor> roots;
        for (const auto& each : gradients) roots.push_back(each.gradient);
        const std::set<NodeId> needed = ancestors(graph, roots);
        std::vector<Shape> shapes;
        for (NodeId id = first; id < graph.size(); ++id) {
            CHECK_MESSAGE(needed.count(id), describe_node(graph, id));
            shapes.push_back(graph.node(id).shape);
        }
        return shapes;
    };
    const auto contains = [](const std::vector<Shape>& shapes, const Shape& shape) {
        return std::find(shapes.begin(), shapes.end(), shape) != shapes.end();
    };
    const auto discriminator =
        shapes_built([&] { return tape.gradient(losses.discriminator, model.discriminator().variables()); });
    CHECK(contains(discriminator, {16, 49}));
    CHECK_FALSE(contains(discriminator, {8, 49}));
    CHECK_FALSE(contains(discriminator, {49, 16}));
    CHECK_FALSE(contains(discriminator, {16, 10}));
    const auto generator =
        shapes_built([&] { return tape.gradient(losses.generator, model.generator().variables()); });
    CHECK(contains(generator, {49, 16}));
    CHECK(contains(generator, {8, 49}));
    CHECK_FALSE(contains(generator, {16, 49}));
    CHECK_FALSE(contains(generator, {1, 16}));
}

TEST_CASE("fresh noise for every run, and a new node shifts no other draw") {
    const auto draw = [](bool with_another, std::uint64_t number) {
        Graph graph(11);
        if (with_another) random_normal(graph, "another", {3});
        const Tensor noise = random_normal(graph, "noise", {4, 5});
        auto program = compile<float>(graph, {noise});
        return Array(program.run({}, number).front());
    };
    CHECK(same_bits(draw(false, 7), draw(true, 7)));
    CHECK_FALSE(same_bits(draw(false, 7), draw(false, 8)));
}

TEST_CASE("a loss that is not finite restores the snapshot and names the first bad node") {
    const Settings settings{"batch=16", "optimizers.generator.rate=1e18",
                            "optimizers.discriminator.rate=1e18"};
    for (const bool optimize : {true, false}) {
        models::Trainer trainer =
            gan_trainer({}, 0, settings, digits(), {.fuse = optimize, .rewrite = optimize});
        const std::vector<Array> start = values_of(trainer.state().variables());
        std::string message;
        for (int i = 0; i < 99 && message.empty(); ++i) try {
                trainer.step();
            } catch (const NonFiniteError& error) {
                message = error.what();
            }
        CAPTURE(message);
        CHECK(message.find("step ") == 0);
        CHECK(message.find("declared at view.cpp:") != std::string::npos);
        CHECK(message.find("computed from") != std::string::npos);
        CHECK(trainer.state().at.step == 0);
        CHECK(all_same_bits(start, values_of(trainer.state().variables())));
    }
}

TEST_CASE("a state that is not finite is neither kept as a snapshot nor left to be saved") {
    const Pair pair{{4, 8, 784}, {784, 8, 1}};
    const Settings settings{"batch=16"};
    models::Trainer trainer = gan_trainer(pair, 0, settings, digits());
    const std::vector<Array> start = values_of(trainer.state().variables());
    const auto spoil = [&] {
        const std::vector<Variable> all = trainer.state().variables();
        const auto slot = std::find_if(all.begin(), all.end(), [](const Variable& variable) {
            return variable.name() == "generator_adam.square.generator.0.weight";
        });
        REQUIRE(slot != all.end());
        slot->fill(std::numeric_limits<float>::quiet_NaN());
    };
    const auto check_back_at = [&](std::uint64_t step, const auto& values, const std::string& message) {
        CHECK(message.find("variable generator_adam.square.generator.0.weight (8, 4)") != std::string::npos);
        CHECK(trainer.state().at.step == step);
        CHECK(all_same_bits(values, values_of(trainer.state().variables())));
    };
    const auto message_of = [](auto&& action) {
        try {
            action();
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    for (int i = 0; i < 100; ++i) trainer.step();
    spoil();
    check_back_at(0, start, message_of([&] { trainer.step(); }));
    for (int i = 0; i < 3; ++i) trainer.step();
    trainer.take_snapshot();
    const auto third = values_of(trainer.state().variables());
    spoil();
    check_back_at(3, third, message_of([&] { trainer.take_snapshot(); }));
    trainer.take_snapshot().hold();
    trainer.step();
    CHECK(trainer.take_snapshot().at().step == 3);
    spoil();
    check_back_at(3, third, message_of([&] { trainer.take_snapshot(); }));

    const models::Model broken = make_gan(pair, 0);
    broken.discriminator().variables()[1].fill(std::numeric_limits<float>::infinity());
    CHECK(message_of([&] {
              gan_trainer(broken, pair, settings, digits());
          }).find("finite weights, but discriminator.0.bias (8): ") != std::string::npos);
}

TEST_CASE("settings and data that do not fit are refused") {
    CHECK_THROWS_AS(recipe_of({}, {"batch=0"}), Error);
    CHECK_THROWS_AS(recipe_of({}, {"loss.kind=x"}), Error);
    CHECK_THROWS_AS(recipe_of({}, {"schedule.kind=x"}), Error);
    CHECK_THROWS_AS(recipe_of({}, {"penalties=[{kind=\"x\"}]"}), Error);
    CHECK_THROWS_AS(gan_trainer({{10, 49}, {49, 1}, 7, 7}, 0, {}, digits()), Error);
    CHECK_THROWS_AS(make_gan({{10, 48}, {49, 1}, 7, 7}, 0), Error);
    CHECK_THROWS_AS(make_gan({{10, 49}, {48, 1}, 7, 7}, 0), Error);
    CHECK_THROWS_AS(make_gan({{10, 49}, {49, 2}, 7, 7}, 0), Error);
}

TEST_CASE("image i depends on weights, seed and i alone") {
    const models::Model model = make_gan({}, 1);
    models::Sampler sampler(model, 9);
    const Array few = sampler.draw(10), many = sampler.draw(200);
    const Array threaded = models::Sampler(model, 9, Arena(2)).draw(200);
    CHECK(std::equal(few.data(), few.data() + few.size(), many.data()));
    CHECK(same_bits(many, threaded));
    CHECK_FALSE(same_bits(few, models::Sampler(model, 10).draw(10)));
}
