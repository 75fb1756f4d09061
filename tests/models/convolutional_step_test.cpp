#include <doctest/doctest.h>

#include "joint_step.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

using Fixture = SafetensorsOf<double>;

constexpr std::size_t batch = 4, steps = 3;

template <class T>
constexpr double tolerance = std::is_same_v<T, float> ? 1e-4 : 1e-9;

const ArrayOf<double>& expected(const Fixture& fixture, const std::string& name) {
    const ArrayOf<double>* array = fixture.find(name);
    REQUIRE_MESSAGE(array, name);
    return *array;
}

/// Step `step` of an array whose first axis counts steps.
template <class T>
ArrayOf<T> of_step(const Fixture& fixture, const std::string& name, std::size_t step) {
    const ArrayOf<double>& all = expected(fixture, name);
    ArrayOf<T> part =
        filled(Shape(std::vector<std::size_t>(all.shape().begin() + 1, all.shape().end())), T(0));
    for (std::size_t i = 0; i < part.size(); ++i)
        part.data()[i] = static_cast<T>(all.data()[step * part.size() + i]);
    return part;
}

Pair small_pair(const std::string& model) {
    return {{6, 8, 4}, {4, 8}, 8, 8, 3, model, model == "cgan" ? 3U : 0U};
}

void assign_parameters(const std::vector<Variable>& parameters, const Fixture& fixture) {
    for (const Variable& variable : parameters)
        variable.assign(converted<float>(expected(fixture, variable.name())));
}

/// Compares what a fixture holds of step 1 or 3 with what a program made of the variables.
template <class T>
void compare_variables(const Program<T>& program, const std::vector<Variable>& variables,
                       const Fixture& fixture, std::size_t step) {
    if (step + 1 != 1 && step + 1 != steps) return;
    for (const Variable& variable : variables) {
        CAPTURE(variable.name());
        const std::string name = "step" + std::to_string(step + 1) + "/" + variable.name();
        CHECK(relative_error(program.value(variable), expected(fixture, name)) < tolerance<T>);
    }
}

template <class T>
void compare_steps(const std::string& model_name, const std::string& name,
                   const CompileOptions& options = {}) {
    const Fixture fixture = read_safetensors_as<double>(testing::fixture(name));
    const models::Model model = make_gan(small_pair(model_name), 0);
    const std::vector<Variable> parameters = variables_of(model);
    assign_parameters(parameters, fixture);
    Adam generator_adam("generator_adam", {2e-4, 0.5}), discriminator_adam("discriminator_adam", {2e-4, 0.5});
    const JointStep step(model, models::non_saturating, 0, batch, generator_adam, discriminator_adam);
    auto program = compile<T>(step.graph, step.fetches, {step.generator_updates, step.discriminator_updates},
                              Arena(), options);
    for (std::size_t i = 0; i < steps; ++i) {
        const ArrayOf<T> real = of_step<T>(fixture, "real", i), noise = of_step<T>(fixture, "noise", i);
        if (step.labels.valid()) {
            const ArrayOf<T> labels = of_step<T>(fixture, "labels", i);
            program.run({{step.real, real}, {step.noise, noise}, {step.labels, labels}});
        } else {
            program.run({{step.real, real}, {step.noise, noise}});
        }
        if (i == 0) {
            CHECK(relative_error(program[0], expected(fixture, "d_loss")) < tolerance<T>);
            CHECK(relative_error(program[1], expected(fixture, "g_loss")) < tolerance<T>);
            for (std::size_t k = 0; k < parameters.size(); ++k) {
                CAPTURE(parameters[k].name());
                CHECK(relative_error(program[2 + k], expected(fixture, "gradient/" + parameters[k].name())) <
                      tolerance<T>);
            }
        }
        compare_variables(program, model.variables(), fixture, i);
    }
}

}  // namespace

TEST_CASE_TEMPLATE("a DCGAN's joint steps equal PyTorch's, running statistics too", T, float, double) {
    compare_steps<T>("dcgan", "step_dcgan");
}

TEST_CASE_TEMPLATE("the unrewritten DCGAN program equals PyTorch's as well", T, float, double) {
    CompileOptions plain;
    plain.fuse = plain.rewrite = false;
    compare_steps<T>("dcgan", "step_dcgan", plain);
}

TEST_CASE_TEMPLATE("a conditional GAN's joint steps equal PyTorch's", T, float, double) {
    compare_steps<T>("cgan", "step_cgan");
}

TEST_CASE_TEMPLATE("a Wasserstein critic's steps under the gradient penalty equal PyTorch's", T, float,
                   double) {
    const Fixture fixture = read_safetensors_as<double>(testing::fixture("step_critic"));
    Pair pair = small_pair("dcgan");
    pair.batch_norm = false;
    const models::Model model = make_gan(pair, 0);
    const models::Network& critic = model.discriminator();
    CHECK(critic.statistics().empty());
    assign_parameters(critic.variables(), fixture);

    Graph graph;
    const Tensor real = graph.input("real", model.images.batch_of(batch)),
                 fake = graph.input("fake", model.images.batch_of(batch)),
                 part = graph.input("part", {batch, 1, 1, 1});
    const GradientTape tape(graph);
    const models::Losses losses = models::wasserstein(critic(real), critic(fake));
    const Tensor points = part * real + (1.0 - part) * fake;
    const Tensor loss = losses.discriminator + models::gradient_penalty(tape, critic(points), points, 10.0);
    const VariableGradients gradients = tape.gradient(loss, critic.variables());
    std::vector<Tensor> fetches{loss};
    for (const VariableGradient& each : gradients) fetches.push_back(each.gradient);
    Adam adam("adam", {1e-4, 0.0, 0.9});
    auto program = compile<T>(graph, fetches, {adam.apply(gradients)});
    for (std::size_t i = 0; i < steps; ++i) {
        const ArrayOf<T> reals = of_step<T>(fixture, "real", i), fakes = of_step<T>(fixture, "fake", i),
                         parts = of_step<T>(fixture, "part", i);
        program.run({{real, reals}, {fake, fakes}, {part, parts}});
        if (i == 0) {
            CHECK(relative_error(program[0], expected(fixture, "d_loss")) < tolerance<T>);
            for (std::size_t k = 0; k < critic.variables().size(); ++k) {
                CAPTURE(critic.variables()[k].name());
                CHECK(relative_error(program[1 + k],
                                     expected(fixture, "gradient/" + critic.variables()[k].name())) <
                      tolerance<T>);
            }
        }
        compare_variables(program, critic.variables(), fixture, i);
    }
}
