#include <cmath>

#include <doctest/doctest.h>

#include <xtensor/xarray.hpp>

#include "../allocations.hpp"
#include "recipe_support.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::models;
using namespace duet::testing;

TEST_CASE("no preset is cautioned of, and what works against itself is") {
    const auto cautions_of = [](const std::string& text, std::size_t side = 8) {
        const Spec recipe = fitted_of(text, images(side, 2));
        return cautions(recipe, model_of(catalogue(), recipe));
    };
    for (const std::string& name : preset_names()) {
        CAPTURE(name);
        const Spec recipe =
            fitted(catalogue(), layers_of({preset(name)}), images(name == "resnet" ? 32 : 8, 2));
        CHECK(cautions(recipe, model_of(catalogue(), recipe)).empty());
    }
    const std::vector<std::string> mixed =
        cautions_of("model = \"dcgan\"\npenalties = [{kind = \"r1\"}]", 16);
    REQUIRE(mixed.size() == 1);
    CHECK(contains(mixed.front(), "penalties.0: r1 holds the gradient of each score"));
    const std::string dropping =
        "networks.discriminator = {kind = \"layers\", inputs = 64, layers = [{kind = \"dense\", inputs = 64, "
        "outputs = 8}, {kind = \"relu\"}, {kind = \"dropout\"}, {kind = \"dense\", inputs = 8, outputs = "
        "1}]}\n";
    const std::vector<std::string> dropped = cautions_of(dropping + "penalties = [{kind = \"r1\"}]");
    REQUIRE(dropped.size() == 1);
    CHECK(contains(dropped.front(), "drops values at random"));
    CHECK(cautions_of(dropping + "penalties = []").empty());
}

TEST_CASE("a loss on scores without bound refuses a discriminator that ends in a sigmoid") {
    const std::string bounded =
        "penalties = []\nnetworks.discriminator = {kind = \"layers\", inputs = 64, layers = [{kind = "
        "\"dense\", "
        "inputs = 64, outputs = 1}, {kind = \"sigmoid\"}]}\n";
    check_refused(bounded,
                  "networks.discriminator: ends in a sigmoid, but the loss non-saturating takes scores");
    check_refused(bounded + "loss.kind = \"hinge\"", "the loss hinge takes scores without bound");
    CHECK(refusal(bounded + "loss.kind = \"least-squares\"").empty());
    check_refused(
        "penalties = []\nnetworks.discriminator = {kind = \"layers\", inputs = 64, layers = [{kind = "
        "\"dense\", "
        "inputs = 64, outputs = 1}, {kind = \"tanh\"}, {kind = \"reshape\", extents = [1, 1]}]}",
        "networks.discriminator: ends in a tanh");
}

TEST_CASE("what would do nothing is refused") {
    check_refused("transforms = [{kind = \"translation\", share = 0.01}]",
                  "transforms.0: translation changes no pixel of images of 8x8");
    check_refused("transforms = [{kind = \"brightness\"}, {kind = \"cutout\", share = 0.05}]",
                  "transforms.1: cutout changes no pixel of images of 8x8");
    check_refused("average.warm_up = false", "average.warm_up: is of an average, and average.decay is 0");
    CHECK(refusal("average = {decay = 0.9, warm_up = false}").empty());
}

TEST_CASE("a critic under a gradient penalty on points between images has no batch normalisation") {
    for (const char* kind : {"gp", "zero-centred-gp", "r2"}) {
        const std::string refused = refusal(std::string("model = \"dcgan\"\npenalties = [{kind = \"") + kind +
                                                "\"}]\nnetworks.discriminator.normalization = \"batch\"",
                                            images(16, 0));
        CHECK_MESSAGE(
            contains(refused, "penalties: network \"discriminator\": scores of further images need"),
            refused);
    }
}

TEST_CASE("packing gives the discriminator images side by side, where it divides the batch") {
    const Spec packed = fitted_of("packing = 4\nbatch = 8", images(8, 0));
    CHECK(packed.wholes("networks.discriminator.widths").front() == 4 * 64);
    CHECK(packed.wholes("networks.generator.widths").back() == 64);
    check_refused("packing = 3\nbatch = 8", "packs of 3 do not divide a batch of 8 images");
    check_refused("packing = 0", "run.toml:1: packing: 0 is not a whole number from 1");
    check_refused("model = \"cgan\"\npacking = 2\nbatch = 8", "leave out one of both");
    check_refused("packing = 2\nbatch = 8\nnetworks.discriminator.widths = [64, 8, 1]",
                  "takes 64 values, but a pack of images has 128");
}

TEST_CASE("a lazy penalty counts as often as its interval, and rescales Adam") {
    const auto training = [](const std::string& text) {
        const Spec recipe = fitted_of(text, images(8, 0));
        return training_of(catalogue(), recipe, model_of(catalogue(), recipe));
    };
    const Training lazy = training("penalties = [{kind = \"r1\", weight = 0.5, every = 4}]");
    CHECK(lazy.phase("discriminator").terms.back().weight == 2.0);
    CHECK(lazy.phase("discriminator").optimizer->rate() == doctest::Approx(2e-4 * 4 / 5));
    CHECK(lazy.phase("generator").optimizer->rate() == doctest::Approx(2e-4));
    const Training each = training("penalties = [{kind = \"r1\", weight = 0.5}]");
    CHECK(each.phase("discriminator").optimizer->rate() == doctest::Approx(2e-4));
    CHECK_FALSE(each.phase("discriminator").terms.back().schedule);
    const Training falling = training(
        "steps = 10\npenalties = [{kind = \"r1\", weight = 0.5, every = 2, schedule = {kind = "
        "\"linear-decay\"}}]");
    CHECK(falling.phase("discriminator").terms.back().schedule(5) == doctest::Approx(0.5));
    const Training ends = training(
        "steps = 10\npenalties = [{kind = \"r1\", weight = 1.0, every = 2, schedule = {kind = "
        "\"linear-decay\", last = "
        "1.0}}]\noptimizers.discriminator = {kind = \"adam\", rate = 3e-4, beta2 = 0.9, schedule = {kind = "
        "\"cosine-decay\", last = 3e-4}, beta2_schedule = {kind = \"linear-decay\", last = 0.99}}");
    CHECK(ends.phase("discriminator").terms.back().schedule(7) == doctest::Approx(2.0));
    CHECK(ends.phase("discriminator").rate(5) == doctest::Approx(2e-4));
    REQUIRE(ends.scheduled.size() == 1);
    CHECK(ends.scheduled.front().schedule(0) == doctest::Approx(std::pow(0.9, 2.0 / 3)));
    CHECK(ends.scheduled.front().schedule(10) == doctest::Approx(std::pow(0.99, 2.0 / 3)));
}

TEST_CASE("an average of the generator moves where it does, is drawn with, and can be left out") {
    const Dataset data = images(8, 0);
    for (const bool warm : {false, true}) {
        const Spec recipe = fitted_of(
            std::string("batch = 4\nschedule.kind = \"alternating\"\naverage = {decay = 0.75, warm_up = ") +
                (warm ? "true" : "false") + "}",
            data);
        const Model model = model_of(catalogue(), recipe);
        Trainer trainer(training_of(catalogue(), recipe, model), std::make_shared<Dataset>(data));
        const Variable &weight = model.generator().variables()[0], &average = model.average()->variables()[0];
        CHECK(average.name() == "average.generator.0.weight");
        CHECK(same_bits(average.value(), weight.value()));
        const Array before = weight.value();
        trainer.step();
        const double kept = warm ? 0.1 : 0.75;
        for (std::size_t i = 0; i < before.size(); ++i)
            CHECK(static_cast<double>(average.data()[i]) ==
                  doctest::Approx(kept * static_cast<double>(before.data()[i]) +
                                  (1 - kept) * static_cast<double>(weight.data()[i])));
        Sampler averaged(model, 1), raw(model.raw(), 1);
        CHECK_FALSE(same_bits(averaged.draw(2), raw.draw(2)));
        CHECK(trainer.state().save().find("average.generator.0.weight") != nullptr);
    }
    CHECK(model_of(catalogue(), fitted_of("batch = 4", data)).average() == nullptr);
}

TEST_CASE(
    "transforms, packing, averages and constraints train together, without allocating, in the same bits") {
    const std::string text =
        "model = \"dcgan\"\nbatch = 8\nsteps = 20\npacking = 2\naverage.decay = 0.9\n"
        "networks.generator.widths = [6, 8, 4]\nnetworks.discriminator = {kind = \"dcgan-discriminator\", "
        "widths = "
        "[4, 8], normalization = \"spectral\", minibatch_deviation = 2}\n"
        "transforms = [{kind = \"translation\", probability = 0.5}, {kind = \"cutout\"}, {kind = "
        "\"brightness\"}, "
        "{kind = \"instance-noise\", schedule = {kind = \"linear-decay\"}}]\n"
        "penalties = [{kind = \"r1\", every = 2, schedule = {kind = \"cosine-decay\", last = 0.1}}]\n"
        "optimizers.discriminator = {kind = \"adam-w\", beta2 = 0.9, beta2_schedule = {kind = "
        "\"cosine-decay\", last "
        "= 0.99}, constraints = [{kind = \"gradient-clipping\"}, {kind = \"weight-clipping\", bound = 0.5}]}";
    const auto values_after = [&](std::size_t threads) {
        const Dataset data = images(8, 0);
        Spec recipe = toml(text);
        recipe = fitted(catalogue(), layers_of({recipe}), data);
        const Model model = model_of(catalogue(), recipe);
        Trainer trainer(training_of(catalogue(), recipe, model), std::make_shared<Dataset>(data),
                        {.threads = threads});
        trainer.step();
        const std::size_t before = allocations();
        for (int i = 0; i < 6; ++i) trainer.step();
        CHECK(allocations() == before);
        std::vector<Array> values;
        for (const Variable& variable : trainer.state().variables()) values.push_back(variable.value());
        return values;
    };
    const std::vector<Array> one = values_after(1), three = values_after(3);
    REQUIRE(one.size() == three.size());
    for (std::size_t i = 0; i < one.size(); ++i) CHECK(same_bits(one[i], three[i]));
}

TEST_CASE("two penalties of one kind are two terms, and a fault of one names it") {
    const Spec recipe = fitted_of("penalties = [{kind = \"r1\"}, {kind = \"r1\", every = 2}]", images(8, 0));
    const Training twice = training_of(catalogue(), recipe, model_of(catalogue(), recipe));
    CHECK(twice.phase("discriminator").terms.back().name == "r1_2");
    check_refused(
        "penalties = [{kind = \"r1\", schedule = {kind = \"linear-decay\", steps = 5, images = 7}}]",
        "penalties.0: the rate linear-decay falls for 5 steps and for 7 images");
    check_refused(
        "transforms = [{kind = \"cutout\", schedule = {kind = \"linear-decay\", steps = 5, images = 7}}]",
        "transforms.0: ");
    check_refused("schedule.kind = \"adaptive\"\nepochs = 3", "give steps in place of epochs");
    check_refused("transforms = [{kind = \"brightness\", most = 1e300}]", "transforms.0.most");
    check_refused(
        "optimizers.generator = {kind = \"sgd\", constraints = [{kind = \"weight-clipping\", bound = "
        "1e-300}]}",
        "constraints.0.bound");
}

TEST_CASE("the vectors of a spectrally normalised generator are copied into its average") {
    const Dataset data = images(8, 0);
    const Spec recipe = fitted_of(
        "batch = 4\naverage = {decay = 0.75}\nnetworks.generator = {kind = \"layers\", inputs = 6, layers = "
        "[{kind = "
        "\"dense\", inputs = 6, outputs = 64, spectral = true}, {kind = \"sigmoid\"}]}",
        data);
    const Model model = model_of(catalogue(), recipe);
    Trainer trainer(training_of(catalogue(), recipe, model), std::make_shared<Dataset>(data));
    for (int i = 0; i < 3; ++i) trainer.step();
    const auto &trained = model.generator().statistics(), &averaged = model.average()->statistics();
    REQUIRE(trained.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) CHECK(same_bits(trained[i].value(), averaged[i].value()));
}
