#include <doctest/doctest.h>

#include <duet/data/toml.hpp>

#include "../data/support.hpp"
#include "../graph/support.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::models;
using namespace duet::testing;

namespace {

const Catalogue& catalogue() {
    static const Catalogue standard = standard_catalogue();
    return standard;
}

/// The training of a recipe of 8 steps of batches of 4 images of 4x4.
Training training_by(const std::string& text) {
    const Dataset data{8, 4, 4, 1, Bytes(128, 100), {}, {}};
    const Spec base = parse_toml("steps = 8\nbatch = 4", "base.toml");
    const Spec recipe = fitted(catalogue(), layered(catalogue(), {base, parse_toml(text, "run.toml")}), data);
    return training_of(catalogue(), recipe, model_of(catalogue(), recipe));
}

std::string refusal(const std::string& text) {
    return message_of([&] { training_by(text); });
}

/// The rates of the first steps of a schedule of the generator's optimizer, which starts from 1.
std::vector<double> rates(const std::string& schedule, std::uint64_t steps) {
    const RateSchedule rate =
        training_by("[optimizers.generator]\nrate = 1.0\nschedule = " + schedule).phases[0].rate;
    std::vector<double> found;
    for (std::uint64_t step = 0; step < steps; ++step) found.push_back(rate(step));
    return found;
}

}  // namespace

TEST_CASE("a descent is as long as its steps, its images, or the training") {
    using Rates = std::vector<double>;
    CHECK(rates("{kind = \"linear-decay\", steps = 2, last = 0.5}", 4) == Rates{1, 0.75, 0.5, 0.5});
    CHECK(rates("{kind = \"linear-decay\", images = 15, last = 0.5}", 5) ==
          Rates{1, 0.875, 0.75, 0.625, 0.5});
    CHECK(rates("{kind = \"linear-decay\"}", 3) == Rates{1, 0.875, 0.75});
    CHECK(rates("{kind = \"cosine-decay\", images = 8}", 3)[1] == doctest::Approx(0.5));
    CHECK(rates("{kind = \"linear-warmup\", steps = 2, then = {kind = \"linear-decay\", images = 16}}", 4) ==
          Rates{0.5, 0.75, 0.5, 0.25});
    CHECK(contains(refusal("[optimizers.generator.schedule]\nkind = \"cosine-decay\"\nsteps = 5\nimages = 9"),
                   "optimizers.generator: the rate cosine-decay falls for 5 steps and for 9 images: give "
                   "one of them"));
}

TEST_CASE("AdamW and a scheduled beta2 are rows") {
    const auto optimizer = [](const std::string& text) {
        return training_by("[optimizers.discriminator]\n" + text).phases[1].optimizer;
    };
    CHECK(optimizer("kind = \"adam-w\"")->name() == "discriminator_adam-w");
    CHECK(optimizer("kind = \"adam\"")->scheduled_options().empty());
    const std::string falls = "beta2 = 0.9\nbeta2_schedule = {kind = \"cosine-decay\", last = ";
    for (const char* kind : {"adam", "adam-w"}) {
        const auto scheduled = optimizer("kind = \"" + std::string(kind) + "\"\n" + falls + "0.99}");
        REQUIRE(scheduled->scheduled_options().size() == 1);
        CHECK(*scheduled->scheduled_options()[0].value.data() == 0.9F);
    }
    CHECK(contains(refusal("[optimizers.discriminator]\n" + falls + "1}"),
                   "run.toml:3: optimizers.discriminator.beta2_schedule: "));
    CHECK(contains(refusal("[optimizers.discriminator]\nbeta2_schedule = {kind = \"linear-warmup\", then = "
                           "{kind = \"linear-decay\", last = 2.0}}"),
                   "whose last number is at least 0 and below 1"));
    CHECK(
        contains(refusal("[optimizers.generator]\nkind = \"adam-w\"\nweight_decay = -1.0"),
                 "run.toml:3: optimizers.generator.weight_decay: -1.0 is not a finite number of at least 0"));
}

TEST_CASE("every optimizer takes constraints, in their order") {
    for (const std::string& kind : catalogue().kinds("optimizer")) {
        CAPTURE(kind);
        const Training training = training_by(
            "[optimizers.discriminator]\nkind = \"" + kind +
            "\"\nconstraints = [{kind = \"weight-clipping\", bound = 0.03}, {kind = \"gradient-clipping\"}]");
        CHECK(training.phases[1].updates.size() == 1);
        CHECK(training.phases[1].gradient_rule);
        CHECK(training.phases[0].updates.empty());
        CHECK_FALSE(training.phases[0].gradient_rule);
        Trainer trainer(training, std::make_shared<Dataset>(Dataset{8, 4, 4, 1, Bytes(128, 100), {}, {}}));
        trainer.step();
        float most = 0;
        for (const Variable& variable : training.networks[1].variables())
            for (const float value : variable.value()) most = std::max(most, std::abs(value));
        CHECK(most == 0.03F);
    }
    CHECK(contains(refusal("[optimizers.generator]\nconstraints = [{kind = \"weight-clipping\", bound = 0}]"),
                   "run.toml:2: optimizers.generator.constraints.0.bound: 0 is not a finite number above 0"));
    CHECK(contains(refusal("[optimizers.generator]\nconstraints = [{kind = \"weight-cliping\"}]"),
                   "did you mean \"weight-clipping\"?"));
}
