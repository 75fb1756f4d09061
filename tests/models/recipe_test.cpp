#include <algorithm>

#include <doctest/doctest.h>

#include <duet/data/toml.hpp>
#include <duet/models/training/recipe.hpp>

#include "recipe_support.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::models;
using namespace duet::testing;

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
