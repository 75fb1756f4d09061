#include <doctest/doctest.h>

#include "hashed.hpp"
#include "joint_step.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

using Fixture = SafetensorsOf<double>;

template <class T>
constexpr double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-10;

const ArrayOf<double>& expected(const Fixture& fixture, const std::string& name) {
    const ArrayOf<double>* array = fixture.find(name);
    REQUIRE_MESSAGE(array, name);
    return *array;
}

template <class T>
ArrayOf<T> batch_of(const Fixture& fixture, const std::string& name, std::size_t step) {
    const ArrayOf<double>& all = expected(fixture, name);
    ArrayOf<T> batch = filled(Shape{all.shape()[1], all.shape()[2]}, T(0));
    for (std::size_t i = 0; i < batch.size(); ++i)
        batch.data()[i] = static_cast<T>(all.data()[step * batch.size() + i]);
    return batch;
}

models::Model small_model(const Fixture& fixture) {
    models::Model model = make_gan({{10, 16, 16, 49}, {49, 16, 16, 1}, 7, 7}, 0);
    for (const Variable& variable : variables_of(model))
        variable.assign(converted<float>(expected(fixture, variable.name())));
    return model;
}

template <class T>
void compare_small_step(const std::string& prefix, models::LossFunction loss, double r1_weight,
                        bool weights_too, bool swap_updates, const CompileOptions& options = {}) {
    const Fixture fixture = read_safetensors_as<double>(testing::fixture("step_small"));
    const models::Model model = small_model(fixture);
    Adam generator_adam("generator_adam", {2e-4, 0.5}), discriminator_adam("discriminator_adam", {2e-4, 0.5});
    const JointStep step(model, loss, r1_weight, 8, generator_adam, discriminator_adam);
    std::vector<Updates> updates{step.generator_updates, step.discriminator_updates};
    if (swap_updates) std::swap(updates[0], updates[1]);
    auto program = compile<T>(step.graph, step.fetches, updates, Arena(), options);
    for (std::size_t i = 0; i < (weights_too ? 10 : 1); ++i) {
        const ArrayOf<T> real = batch_of<T>(fixture, "real", i), noise = batch_of<T>(fixture, "noise", i);
        program.run({{step.real, real}, {step.noise, noise}});
        if (i == 0) {
            CHECK(relative_error(program[0], expected(fixture, prefix + "/d_loss")) < tolerance<T>);
            CHECK(relative_error(program[1], expected(fixture, prefix + "/g_loss")) < tolerance<T>);
            std::size_t fetch = 2;
            for (const Variable& variable : variables_of(model)) {
                CAPTURE(variable.name());
                CHECK(relative_error(program[fetch++],
                                     expected(fixture, prefix + "/gradient/" + variable.name())) <
                      tolerance<T>);
            }
        }
        if (weights_too && (i == 0 || i == 9))
            for (const Variable& variable : variables_of(model)) {
                CAPTURE(variable.name());
                const std::string name = prefix + (i == 0 ? "/step1/" : "/step10/") + variable.name();
                CHECK(relative_error(program.value(variable), expected(fixture, name)) < tolerance<T>);
            }
    }
}

template <class T>
void compare_full_step(const std::string& prefix, double r1_weight) {
    const Fixture fixture = read_safetensors_as<double>(testing::fixture("step_full"));
    const models::Model model = make_gan({}, 0);
    std::uint32_t index = 0;
    for (const Variable& variable : variables_of(model)) {
        const Shape& shape = variable.shape();
        const double scale =
            shape.rank() == 1 ? 0.05 : std::sqrt(6.0 / static_cast<double>(shape[0] + shape[1]));
        variable.assign(hashed<float>(shape, index++, scale, true));
        CHECK(relative_error(summary(variable.value()), expected(fixture, "initial/" + variable.name())) <
              1e-12);
    }
    Adam generator_adam("generator_adam", {2e-4, 0.5}), discriminator_adam("discriminator_adam", {2e-4, 0.5});
    const JointStep step(model, models::non_saturating, r1_weight, 128, generator_adam, discriminator_adam);
    auto program = compile<T>(step.graph, step.fetches, {step.generator_updates, step.discriminator_updates});
    for (std::uint32_t i = 0; i < 10; ++i) {
        const auto real = hashed<T>({128, 784}, 100 + i, 1.0, false);
        const auto noise = hashed<T>({128, 100}, 200 + i, 1.5, true);
        program.run({{step.real, real}, {step.noise, noise}});
        if (i == 0) {
            CHECK(relative_error(program[0], expected(fixture, prefix + "/d_loss")) < tolerance<T>);
            CHECK(relative_error(program[1], expected(fixture, prefix + "/g_loss")) < tolerance<T>);
            std::size_t fetch = 2;
            for (const Variable& variable : variables_of(model)) {
                CAPTURE(variable.name());
                CHECK(relative_error(summary(program[fetch++]),
                                     expected(fixture, prefix + "/gradient/" + variable.name())) <
                      tolerance<T>);
            }
        }
        if (i == 0 || i == 9)
            for (const Variable& variable : variables_of(model)) {
                CAPTURE(variable.name());
                const std::string name = prefix + (i == 0 ? "/step1/" : "/step10/") + variable.name();
                CHECK(relative_error(summary(program.value(variable)), expected(fixture, name)) <
                      tolerance<T>);
            }
    }
}

}  // namespace

TEST_CASE_TEMPLATE("small joint step equals PyTorch's", T, float, double) {
    compare_small_step<T>("plain", models::non_saturating, 0, true, false);
}

TEST_CASE_TEMPLATE("small joint step with R1 equals PyTorch's", T, float, double) {
    compare_small_step<T>("r1", models::non_saturating, 1, true, false);
}

TEST_CASE_TEMPLATE("the order of the two updates does not matter: both gradients come first", T, float,
                   double) {
    compare_small_step<T>("r1", models::non_saturating, 1, true, true);
}

TEST_CASE_TEMPLATE("minimax gradients equal PyTorch's", T, float, double) {
    compare_small_step<T>("minimax", models::minimax, 0, false, false);
}

TEST_CASE_TEMPLATE("the unrewritten program equals PyTorch's as well", T, float, double) {
    CompileOptions plain;
    plain.fuse = plain.rewrite = false;
    compare_small_step<T>("r1", models::non_saturating, 1, true, false, plain);
}

TEST_CASE_TEMPLATE("full-size joint step equals PyTorch's", T, float, double) {
    compare_full_step<T>("plain", 0);
}

TEST_CASE_TEMPLATE("full-size joint step with R1 equals PyTorch's", T, float, double) {
    compare_full_step<T>("r1", 1);
}
