#include <algorithm>

#include <doctest/doctest.h>

#include <duet/data/toml.hpp>
#include <duet/models/training/recipe.hpp>

#include "../allocations.hpp"
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

Dataset images(std::size_t side, std::size_t classes) {
    Dataset data{8, side, side, 1, Bytes(8 * side * side, 100), {}, {}};
    for (std::size_t i = 0; i < data.count && classes > 0; ++i)
        data.labels.push_back(static_cast<std::uint8_t>(i % classes));
    return data;
}

Spec toml(const std::string& text) {
    return parse_toml(text, "run.toml");
}

Spec layers_of(const std::vector<Spec>& layers) {
    return layered(catalogue(), layers);
}

Spec fitted_of(const std::string& text, const Dataset& data) {
    return fitted(catalogue(), layers_of({toml(text)}), data);
}

/// The message with which a recipe is refused; empty if it is not.
std::string refusal(const std::string& text, const Dataset& data = images(8, 2)) {
    return message_of([&] { fitted_of(text, data); });
}

void check_refused(const std::string& text, const std::string& message) {
    CAPTURE(text);
    const std::string refused = refusal(text);
    CHECK_MESSAGE(contains(refused, message), refused);
}

std::string origin_of(const Spec& recipe, const char* path) {
    return recipe.find(path)->from;
}

}  // namespace

TEST_CASE("layers of a recipe lie over each other, each value with what gave it") {
    const Spec low = toml("model = \"mlp\"\nbatch = 4\n[optimizers.generator]\nrate = 1.0\nbeta1 = 0.25");
    const Spec high = with_origin(settings({"optimizers.generator.rate=2.0"}), "--rate");
    const Spec recipe = layers_of({low, high});
    CHECK(recipe.whole("batch") == 4);
    CHECK(origin_of(recipe, "batch") == "run.toml:2");
    CHECK(recipe.number("optimizers.generator.rate") == 2.0);
    CHECK(origin_of(recipe, "optimizers.generator.rate") == "--rate");
    CHECK(recipe.number("optimizers.generator.beta1") == 0.25);
    CHECK(origin_of(recipe, "optimizers.generator.beta2") == "preset mlp");
    const Spec whole = fitted(catalogue(), recipe, images(8, 0));
    CHECK(origin_of(whole, "images.height") == "data");
    CHECK(origin_of(whole, "networks.generator.widths") == "data");
    CHECK(origin_of(whole, "seed") == "default");
    CHECK(origin_of(whole, "penalties.0.every") == "default");
    CHECK(layers_of({toml("model = \"dcgan\"")}).spec("networks.generator").kind == "dcgan-generator");
    CHECK(layers_of({}).text("model") == default_model);
}

TEST_CASE("a list replaces the one below it, and a kind that differs the parameters of the other") {
    const Spec two = toml("penalties = [{kind = \"r1\", weight = 3.0}, {kind = \"gp\"}]");
    const Spec one = toml("penalties = [{kind = \"r1\"}]");
    const Spec recipe = layers_of({two, one});
    REQUIRE(recipe.specs("penalties").size() == 1);
    CHECK_FALSE(recipe.has("penalties.0.weight"));
    const Spec sgd = layers_of({toml("optimizers.generator = {kind = \"sgd\"}")});
    CHECK(sgd.spec("optimizers.generator").with.empty());
    const Spec adam = layers_of({toml("optimizers.generator = {kind = \"adam\"}")});
    CHECK(adam.number("optimizers.generator.beta1") == 0.5);
}

TEST_CASE("a loss or penalty brings its preset below what is given, where it means something") {
    const Spec critic = layers_of({toml("loss.kind = \"wasserstein\"\noptimizers.generator.rate = 1.0")});
    CHECK(critic.specs("penalties").front().kind == "gp");
    CHECK(critic.number("optimizers.generator.rate") == 1.0);
    CHECK(origin_of(critic, "optimizers.generator.beta2") == "preset wgan-gp");
    CHECK(critic.text("networks.discriminator.normalization") == "none");
    const Spec without =
        layers_of({toml("loss.kind = \"wasserstein\"\nnetworks.discriminator.kind = \"lenet\"")});
    CHECK_FALSE(without.has("networks.discriminator.normalization"));
    const Spec convolutional = layers_of({toml("model = \"dcgan\"\npenalties = [{kind = \"gp\"}]")});
    CHECK(convolutional.text("networks.discriminator.normalization") == "none");
    CHECK(convolutional.spec("loss").kind == "non-saturating");
    check_refused("loss.kind = \"wasserstein\"\noptimizers = 3", "run.toml:2: optimizers: 3 is not a table");
    check_refused("loss.kind = \"wasserstein\"\nnetworks.discriminator.kind = \"mpl\"",
                  "run.toml:2: networks.discriminator.kind: network \"mpl\" is unknown");
}

TEST_CASE("steps and epochs replace each other, and epochs become steps") {
    const Dataset data = images(8, 0);
    const Spec epochs = layers_of({toml("steps = 5"), toml("epochs = 3\nbatch = 4")});
    CHECK_FALSE(epochs.has("steps"));
    const Spec whole = fitted(catalogue(), epochs, data);
    CHECK(whole.whole("steps") == 6);
    CHECK(origin_of(whole, "steps") == "3 epochs, run.toml:1");
    CHECK_FALSE(whole.has("epochs"));
    const Spec steps = layers_of({toml("epochs = 3"), toml("steps = 5")});
    CHECK_FALSE(steps.has("epochs"));
    CHECK(steps.whole("steps") == 5);
    check_refused("epochs = 3\nsteps = 5", "run.toml:1: epochs stands beside steps: give one of them");
    Dataset many = images(2, 0);
    many.count = 2000;
    many.images.resize(many.count * many.image_size());
    CHECK(contains(refusal("epochs = 1_000_000_000\nbatch = 1", many),
                   "1000000000 epochs, run.toml:1: steps: 2000000000000 is not a whole number from 1 to"));
}

TEST_CASE("recipes are refused with file, line, key and what is allowed") {
    check_refused("schema = 2", "run.toml:1: schema is 2; this Duet reads schema 1");
    check_refused("schema = 1.0", "run.toml:1: schema is 1.0; this Duet reads schema 1");
    check_refused("\nbatch = 0", "run.toml:2: batch: 0 is not a whole number from 1 to");
    check_refused("batch = \"many\"", "run.toml:1: batch: \"many\" is not a whole number");
    check_refused("bach = 4", "run.toml:1: bach: no parameter; did you mean \"batch\"?");
    check_refused("[optimizers.generator]\nrate = -1.0",
                  "run.toml:2: optimizers.generator.rate: -1.0 is not a finite number above 0");
    check_refused("[optimizers.generator.schedule]\nkind = \"constant\"\nfactor = 0.5",
                  "run.toml:3: optimizers.generator.schedule.factor: no parameter of the rate \"constant\"");
    check_refused(
        "[optimizers.generator.schedule]\nkind = \"step-decay\"\nfactor = 0",
        "run.toml:3: optimizers.generator.schedule.factor: 0 is not a number above 0 and at most 1");
    check_refused("optimizers.generator = {kind = \"sgd\", nesterov = true}",
                  "run.toml:1: optimizers.generator: nesterov looks ahead along a momentum");
    check_refused("networks.generator.widths = [3, 17]", "networks.generator: widths: the last is 17");
    check_refused("networks.generator = {kind = \"layers\", inputs = 64, layers = []}",
                  "run.toml:1: networks.generator: has no parameters");
    check_refused(
        "networks.generator.kind = \"layers\"\nnetworks.generator.inputs = 2\n"
        "networks.generator.layers = [{kind = \"dense\", inputs = 2, outputs = 63}]",
        "run.toml:1: networks.generator: draws a batch of shape (128, 63), but");
    const std::string critic = "[networks.discriminator]\nkind = \"layers\"\n";
    check_refused(critic + "layers = [{kind = \"dense\", inputs = 63, outputs = 1}]",
                  "run.toml:2: networks.discriminator: ");
    check_refused(critic + "layers = [{kind = \"dense\", inputs = 64, outputs = 3}]",
                  "run.toml:2: networks.discriminator: gives scores of shape (128, 3)");
    check_refused(critic + "inputs = 5\nlayers = [{kind = \"dense\", inputs = 64, outputs = 1}]",
                  "run.toml:2: networks.discriminator: takes 5 values, but an image has 64");
    CHECK(contains(refusal("model = \"dcgan\"\npenalties = [{kind = \"gp\"}]\n"
                           "networks.discriminator.normalization = \"batch\"",
                           images(16, 0)),
                   "run.toml:2: penalties: "));
    check_refused("model = \"cgan\"\nimages.classes = 1",
                  "run.toml:2: images.classes: image 1 has the label 1, but the model's classes are 0 to 0");
    check_refused(
        "images.classes = 2\nnetworks.generator = {kind = \"layers\", inputs = 64, layers = [{kind = "
        "\"residual\", main = [{kind = \"batch-norm\", channels = 64, classes = 1}]}]}",
        "run.toml:2: networks.generator: layers.0.main.0.classes is 1, but images.classes is 2");
    CHECK(contains(
        refusal("model = \"cgan\"\nimages.classes = 2", images(8, 0)),
        "run.toml:2: images.classes: the model is conditioned on 2 classes, but the images have no labels"));
    check_refused("images = 3", "run.toml:1: images: 3 is not a table");
    check_refused("images.height = 9", "run.toml:1: images.height is 9, but the images are 8x8");
    check_refused("loss.kind = \"cosine\"", "run.toml:1: loss.kind: loss \"cosine\" is unknown; known are");
    check_refused("loss.kind = \"\"", "run.toml:1: kind is empty");
    check_refused("kind = \"mlp\"", "run.toml:1: kind: recipe \"mlp\" is unknown");
    check_refused("images.kind = \"maps\"", "run.toml:1: images.kind: images \"maps\" is unknown");
    check_refused("model = \"wgan-gp\"", "run.toml:1: model: \"wgan-gp\" is a preset of the model dcgan");
    check_refused("model = 3", "run.toml:1: model is a whole number; expected the name of a model");
    check_refused("data.path = \"a\\u0000b\"", "run.toml:1: data.path: \"a\\u0000b\" is not a text");
    check_refused("\"loss.kind\" = \"minimax\"", "run.toml:1: \"loss.kind\": no parameter");
    check_refused("\"\" = 1", "run.toml:1: \"\": no parameter");
    check_refused("data.sha256 = \"00\"", "run.toml:1: data.sha256: the images in memory have another hash");
    CHECK(contains(message_of([] {
                       layers_of({toml("model = \"mlp\""), toml("model = \"cgan\"")});
                   }),
                   "run.toml:1: model is \"cgan\", but run.toml:1: model is \"mlp\": give one of them"));
}

TEST_CASE("what is long or deep is refused in few words and little time") {
    const std::string name(900'000, 'b');
    std::string dots = "a";
    for (int i = 0; i < 200'000; ++i) dots += ".a";
    for (const std::string& text :
         {name + " = 1", "loss.kind = \"" + name + "\"", "images.form = \"" + name + "\"", dots + " = 1",
          "[" + dots + "]", "x = {s = \"\"\"a\"\"\"\", " + dots + " = 1}", "model = \"" + name + "\"",
          "batch = " + std::string(200, '[') + std::string(200, ']')}) {
        const std::string refused = refusal(text);
        CHECK(contains(refused, "run.toml:1: "));
        CHECK(refused.size() < 500);
    }
    CHECK(refusal("batch = 2 #" + std::string(max_toml_bytes, 'b')) ==
          "run.toml: TOML of 1048587 bytes, expected at most 1048576");
    Spec spec;
    CHECK(contains(message_of([&] { spec.set(dots, {true}); }), "deep"));
    CHECK(nearest(name, {"batch", "rate"}).empty());
    CHECK(toml("a = \"" + dots + "\"  # " + dots).text("a") == dots);
}

TEST_CASE("the nearest name differs by few letters") {
    const std::vector<std::string> names = {"batch", "steps", "epochs", "rms-prop"};
    CHECK(nearest("bacth", names) == "batch");
    CHECK(nearest("Batch", names) == "batch");
    CHECK(nearest("rms_prop", names) == "rms-prop");
    CHECK(nearest("step", names) == "steps");
    CHECK(nearest("loss", names).empty());
    CHECK(nearest("", names).empty());
}

TEST_CASE("every default is accepted as a value") {
    for (const Row& row : catalogue().rows()) {
        Spec defaults{row.kind, {}, {}};
        for (const Parameter& parameter : row.parameters)
            if (parameter.otherwise) defaults.with.push_back({parameter.key, *parameter.otherwise});
        CAPTURE(row.category);
        CAPTURE(row.kind);
        CHECK(catalogue().completed(defaults, row.category, "", true) ==
              catalogue().completed(Spec{row.kind, {}, {}}, row.category, "", true));
    }
}

TEST_CASE("a written recipe of every preset is read as the same recipe, with the same weights") {
    for (const std::string& name : preset_names()) {
        CAPTURE(name);
        const Dataset data = images(8, 2);
        Spec with = preset(name);
        with.set("epochs", {std::int64_t{2}, "code"});
        with.with.erase(std::remove_if(with.with.begin(), with.with.end(),
                                       [](const Setting& setting) { return setting.key == "steps"; }),
                        with.with.end());
        const Spec recipe = fitted(catalogue(), layers_of({with}), data);
        const Spec again =
            fitted(catalogue(), layers_of({parse_toml(format_toml(recipe), "recipe.toml")}), data);
        CHECK(again == recipe);
        CHECK(format_toml(again).size() > format_toml(preset(name)).size());
        const std::vector<Variable> first = model_of(catalogue(), recipe).variables(),
                                    second = model_of(catalogue(), again).variables();
        REQUIRE(first.size() == second.size());
        for (std::size_t i = 0; i < first.size(); ++i)
            CHECK(same_bits(first[i].value<float>(), second[i].value<float>()));
    }
}

TEST_CASE("a path sets a value, a kind or an entry of a list") {
    Spec spec = toml("penalties = [{kind = \"r1\"}]\nwidths = [1, 2]");
    spec.set("penalties.0.weight", {2.0});
    spec.set("penalties.0.kind", {std::string("gp")});
    spec.set("widths.1", {std::int64_t{7}});
    spec.set("a.b.c", {true});
    CHECK(spec == toml("penalties = [{kind = \"gp\", weight = 2.0}]\nwidths = [1, 7]\na.b.c = true"));
    const auto refused = [&](const char* path, const Value& value) {
        return message_of([&] { spec.set(path, value); });
    };
    CHECK(contains(refused("penalties.1.weight", {2.0}), "the list has no entry 1; its last is 0"));
    CHECK(contains(refused("widths.1.x", {2.0}), "\"x\" leads into a whole number"));
    CHECK(contains(refused("a..b", {2.0}), "is no path"));
    CHECK(contains(refused("a.kind", {2.0}), "is a number; expected a name"));
    CHECK(contains(refused("a.kind", {std::string()}), "is empty; expected a name"));
}

TEST_CASE("a network of layers that a recipe writes out is trained, and read again from what is written") {
    const char* const text =
        "batch = 4\n"
        "[networks.discriminator]\nkind = \"layers\"\n"
        "layers = [{kind = \"dense\", inputs = 64, outputs = 6, spectral = true}, {kind = \"leaky-relu\"},\n"
        "  {kind = \"residual\", main = [{kind = \"dropout\", share = 0.25}, {kind = \"tanh\"}]},\n"
        "  {kind = \"minibatch-deviation\", group = 2}, {kind = \"dense\", inputs = 7, outputs = 1}]\n";
    const Dataset data = images(8, 0);
    const Spec recipe = fitted(catalogue(), layers_of({toml(text)}), data);
    const auto trained = [&](const Spec& of, std::size_t threads) {
        models::Trainer trainer(models::training_of(catalogue(), of, models::model_of(catalogue(), of)),
                                std::make_shared<Dataset>(data), {.threads = threads});
        for (int step = 0; step < 2; ++step) CHECK(std::isfinite(trainer.step()["discriminator_loss"]));
        return trainer.state().save().tensors;
    };
    const auto first = trained(recipe, 1), second = trained(parse_toml(format_toml(recipe), "written"), 3);
    REQUIRE(first.size() == second.size());
    const auto kept = std::find_if(first.begin(), first.end(), [](const NamedArray& array) {
        return array.name == "discriminator.0.weight_u";
    });
    CHECK(kept != first.end());
    for (std::size_t i = 0; i < first.size(); ++i) CHECK(first[i].value == second[i].value);
}

TEST_CASE("layers that do not fit each other are named") {
    const std::string start =
        "[networks.discriminator]\nkind = \"layers\"\n"
        "layers = [{kind = \"dense\", inputs = 64, outputs = 1}, ";
    check_refused(start + "{kind = \"minibatch-deviation\", group = 3}]", "in layer discriminator.1");
    check_refused(start + "{kind = \"residual\", main = [{kind = \"relu\"}, {kind = \"max-pool\"}]}]",
                  "in layer discriminator.1.main.1");
    check_refused(start + "{kind = \"dropout\", share = 2}]",
                  "run.toml:3: networks.discriminator.layers.1.share: 2 is not");
}

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
