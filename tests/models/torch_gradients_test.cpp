#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <duet/models/training/stage.hpp>

#include "hashed.hpp"
#include "joint_step.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

constexpr std::size_t digits = 9;

/// A loss by its name in the fixture, and the settings that choose it.
struct ChosenLoss {
    std::string name;
    Settings settings;
};

const std::vector<ChosenLoss> losses = {
    {"non-saturating", {"loss.kind=non-saturating"}},
    {"minimax", {"loss.kind=minimax"}},
    {"smoothed", {"loss.kind=non-saturating", "loss.real_label=0.9"}},
    {"wasserstein", {"loss.kind=wasserstein"}},
    {"relativistic-pairing", {"loss.kind=relativistic-pairing"}},
    {"relativistic-average", {"loss.kind=relativistic-average"}},
    {"least-squares", {"loss.kind=least-squares"}},
    {"least-squares-labels",
     {"loss.kind=least-squares", "loss.real_label=1.5", "loss.fake_label=-1.0", "loss.generator_label=0.5"}},
    {"hinge", {"loss.kind=hinge"}},
    {"as-listed", {"loss.kind=as-listed"}},
};

/// In the fixture's order.
const std::vector<std::string> penalties = {"[]",
                                            "[{kind = \"r1\", weight = 1.0}]",
                                            "[{kind = \"r2\", weight = 1.0}]",
                                            "[{kind = \"gp\", weight = 1.0}]",
                                            "[{kind = \"zero-centred-gp\", weight = 1.0}]",
                                            "[{kind = \"r1\", weight = 1.0}, {kind = \"r2\", weight = 1.0}]"};

/// Parameter k from the formula, as make_loss_gradient_fixtures.py has it.
void initialize(const models::Model& model) {
    std::uint32_t index = 0;
    for (const Variable& variable : variables_of(model)) {
        const Shape& shape = variable.shape();
        double scale = shape.rank() == 2 ? std::sqrt(6.0 / static_cast<double>(shape[0] + shape[1])) : 0.3;
        if (shape.rank() == 2 && shape[0] == 1) scale *= 4;
        Array values = hashed<float>(shape, index++, scale, true);
        if (shape.rank() == 1 && variable.name().ends_with("weight"))
            for (std::size_t i = 0; i < values.size(); ++i)
                values.data()[i] = static_cast<float>(1.0 + static_cast<double>(values.data()[i]));
        variable.assign(values);
    }
}

/// What one joint step of a recipe computes of `real` before it updates anything, at draw 0.
struct Computed {
    double generator_loss, discriminator_loss;
    std::vector<ArrayOf<double>> generator, discriminator;
};

Computed computed(const models::Model& model, const Pair& pair, const Settings& settings,
                  const ArrayOf<double>& real) {
    models::Training training =
        models::training_of(models::standard_catalogue(), recipe_of(pair, settings), model);
    std::vector<VariableGradients> gradients;
    for (models::Phase& phase : training.phases)
        phase.gradient_rule = [&gradients](const GradientTape& tape, const Tensor& loss,
                                           const std::vector<Variable>& variables) {
            return gradients.emplace_back(tape.gradient(loss, variables));
        };
    Graph graph(training.seed);
    const models::DeclaredStage stage =
        models::declare_stage(graph, training, {{"discriminator", "generator"}}, {}, {});
    const auto metric = [&](const char* name) {
        return stage.fetches[static_cast<std::size_t>(
            std::find(stage.metrics.begin(), stage.metrics.end(), name) - stage.metrics.begin())];
    };
    std::vector<Tensor> fetches{metric("generator_loss"), metric("discriminator_loss")};
    for (const VariableGradients& of_phase : gradients)
        for (const VariableGradient& each : of_phase) fetches.push_back(each.gradient);
    auto program = compile<double>(graph, fetches);
    program.run({{stage.real, real}}, 0);
    Computed result{*program[0].data(), *program[1].data(), {}, {}};
    const std::size_t of_discriminator = gradients[0].size();
    for (std::size_t i = 2; i < fetches.size(); ++i)
        (i - 2 < of_discriminator ? result.discriminator : result.generator).push_back(program[i]);
    return result;
}

const ArrayOf<double>& expected(const SafetensorsOf<double>& fixture, const std::string& name) {
    const ArrayOf<double>* array = fixture.find(name);
    REQUIRE_MESSAGE(array, name);
    return *array;
}

/// The largest distance of a gradient's summary from that at `wanted`, relative to the gradient's norm; below
/// a millionth of the network's, where parts cancel, to that millionth.
double largest_error(const std::vector<ArrayOf<double>>& gradients, const double* wanted) {
    double network = 0, largest = 0;
    for (std::size_t k = 0; k < gradients.size(); ++k) network = std::hypot(network, wanted[digits * k]);
    for (const ArrayOf<double>& gradient : gradients) {
        const ArrayOf<double> found = summary(gradient);
        for (std::size_t p = 0; p < digits; ++p)
            largest = std::max(largest,
                               std::abs(found.data()[p] - wanted[p]) / std::max(wanted[0], 1e-6 * network));
        wanted += digits;
    }
    return largest;
}

void compare(const std::string& network, const Pair& pair, std::uint32_t real_images) {
    constexpr double tolerance = 1e-10;
    const auto fixture = read_safetensors_as<double>(testing::fixture("loss_gradients"));
    const models::Model model = make_gan(pair, 0);
    initialize(model);
    const auto real = hashed<double>(model.images.batch_of(16), real_images, 1.0, true);
    CHECK(relative_error(summary(real), expected(fixture, network + "/real")) < 1e-12);
    for (const ChosenLoss& loss : losses) {
        CAPTURE(loss.name);
        const std::string prefix = network + "/" + loss.name;
        const ArrayOf<double>& values = expected(fixture, prefix + "/losses");
        const ArrayOf<double>& of_generator = expected(fixture, prefix + "/generator");
        const ArrayOf<double>& of_discriminator = expected(fixture, prefix + "/discriminator");
        for (std::size_t i = 0; i < penalties.size(); ++i) {
            CAPTURE(penalties[i]);
            Settings settings = loss.settings;
            settings.insert(settings.end(), {"batch=16", "seed=5", "penalties=" + penalties[i]});
            const Computed found = computed(model, pair, settings, real);
            CHECK(found.generator_loss == doctest::Approx(values.data()[0]).epsilon(tolerance));
            CHECK(found.discriminator_loss == doctest::Approx(values.data()[1 + i]).epsilon(tolerance));
            REQUIRE(of_generator.size() == digits * found.generator.size());
            CHECK(largest_error(found.generator, of_generator.data()) < tolerance);
            REQUIRE(of_discriminator.size() == penalties.size() * digits * found.discriminator.size());
            CHECK(largest_error(found.discriminator,
                                of_discriminator.data() + i * digits * found.discriminator.size()) <
                  tolerance);
        }
    }
}

}  // namespace

TEST_CASE("gradients of every loss under every penalty equal PyTorch's double backward: perceptrons") {
    compare("mlp", {}, 100);
}

TEST_CASE("gradients of every loss under every penalty equal PyTorch's double backward: a small DCGAN") {
    Pair pair{{6, 8, 4}, {4, 8}, 8, 8, 3, "dcgan"};
    pair.batch_norm = false;
    compare("dcgan", pair, 101);
}
