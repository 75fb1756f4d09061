#include <doctest/doctest.h>
#include <xtensor/xarray.hpp>

#include <duet/data/png.hpp>
#include <duet/data/toml.hpp>
#include <duet/models/training/recipe.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace fs = std::filesystem;

namespace {

struct Folder {
    Folder() { write_images(data, 40, 8); }

    /// Trains for two steps in batches of four.
    Outcome train(const fs::path& out, const std::vector<std::string>& more) const {
        std::vector<std::string> arguments{"train",   "--data", data,      "--out", out,
                                           "--steps", "2",      "--batch", "4"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return duet_command(arguments);
    }
    void check_refused(const std::vector<std::string>& arguments, const std::string& part) const {
        const Outcome outcome = duet_command(arguments);
        CAPTURE(outcome.err);
        CAPTURE(part);
        CHECK(outcome.code == 2);
        CHECK(is_error_line(outcome.err));
        CHECK(contains(outcome.err, part));
        CHECK_FALSE(fs::exists(out));
    }
    void check_train_refused(const std::vector<std::string>& more, const std::string& part) const {
        std::vector<std::string> arguments{"train", "--data", data, "--out", out};
        arguments.insert(arguments.end(), more.begin(), more.end());
        check_refused(arguments, part);
    }

    TemporaryFolder folder;
    fs::path data = folder.path() / "data", out = folder.path() / "out";
    std::vector<std::string> small_dcgan{
        "--model", "dcgan", "--generator-widths", "8-16", "--discriminator-widths", "8"};
};

Bytes bytes_of(const std::string& text) {
    return Bytes(text.begin(), text.end());
}

std::string weights_of(const fs::path& run) {
    return text_of(run / "weights.safetensors");
}

}  // namespace

TEST_CASE("a run is repeated bit for bit from its recipe, but not on other images") {
    const Folder folder;
    const fs::path first = folder.folder.path() / "first", again = folder.folder.path() / "again",
                   other = folder.folder.path() / "other";
    REQUIRE(folder.train(first, {"--loss", "minimax", "--seed", "5", "--set", "penalties.0.every=2"}).code ==
            0);
    const Outcome repeated = duet_command({"train", first / "recipe.toml", "--out", again});
    CAPTURE(repeated.err);
    REQUIRE(repeated.code == 0);
    CHECK(weights_of(again) == weights_of(first));
    CHECK(metrics_of(again) == metrics_of(first));
    CHECK(read_toml(again / "recipe.toml") == read_toml(first / "recipe.toml"));
    CHECK(contains(text_of(first / "recipe.toml"), "kind = \"minimax\"  # --loss\n"));
    CHECK(contains(text_of(again / "recipe.toml"), "recipe.toml:"));

    REQUIRE(duet_command({"train", first / "recipe.toml", "--seed", "6", "--out", other}).code == 0);
    CHECK(weights_of(other) != weights_of(first));
    write_images(folder.data, 41, 8);
    folder.check_refused({"train", first / "recipe.toml", "--out", folder.out}, "have another hash");
}

TEST_CASE("--print-recipe shows the whole recipe and trains nothing") {
    const Folder folder;
    const Outcome printed = duet_command(
        {"train", "--data", folder.data, "--preset", "article", "--epochs", "3", "--print-recipe"});
    CAPTURE(printed.err);
    REQUIRE(printed.code == 0);
    const Spec recipe = parse_toml(printed.out, "printed");
    CHECK(recipe.whole("steps") == 1);
    CHECK(recipe.specs("penalties").empty());
    CHECK(recipe.wholes("networks.generator.widths") == std::vector<std::size_t>{100, 128, 128, 64});
    CHECK(recipe.text("data.path") == folder.data);
    CHECK(folder.folder.entries() == 1);
}

TEST_CASE("epochs count the images that a step shows, also to the generator's phase") {
    const Folder folder;
    const auto steps = [&](const std::vector<std::string>& more) {
        std::vector<std::string> arguments{"train", "--data",  folder.data, "--epochs",
                                           "6",     "--batch", "4",         "--print-recipe"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return parse_toml(duet_command(arguments).out, "printed").whole("steps");
    };
    CHECK(steps({}) == 60);
    CHECK(steps({"--schedule", "alternating"}) == 60);
    CHECK(steps({"--schedule", "alternating", "--discriminator-steps", "5"}) == 12);
    CHECK(steps({"--schedule", "alternating", "--loss", "relativistic-pairing"}) == 30);
    CHECK(steps({"--schedule", "alternating", "--loss", "relativistic-pairing", "--discriminator-steps",
                 "2"}) == 20);
    CHECK(steps({"--loss", "relativistic-pairing"}) == 30);
}

TEST_CASE("--init goes on under the settings of the file's own model") {
    const Folder folder;
    const fs::path dcgan = folder.folder.path() / "dcgan", on = folder.folder.path() / "on",
                   mlp = folder.folder.path() / "mlp";
    std::vector<std::string> settings = folder.small_dcgan;
    settings.insert(settings.end(), {"--rate", "3e-4"});
    REQUIRE(folder.train(dcgan, settings).code == 0);
    REQUIRE(folder.train(on, {"--init", dcgan / "weights.safetensors"}).code == 0);
    const Spec recipe = read_toml(on / "recipe.toml");
    CHECK(recipe.text("model") == "dcgan");
    CHECK(recipe.spec("schedule").kind == "alternating");
    CHECK(recipe.specs("penalties").empty());
    CHECK(recipe.number("optimizers.generator.rate") == 3e-4);
    REQUIRE(folder.train(mlp, {}).code == 0);
    folder.check_train_refused({"--model", "dcgan", "--init", mlp / "weights.safetensors"},
                               "--model: model is \"dcgan\", but " + (mlp / "weights.safetensors").string());
}

TEST_CASE("what Duet chooses itself is accepted when given") {
    const Folder folder;
    REQUIRE(
        folder.train(folder.folder.path() / "widths", {"--model", "dcgan", "--discriminator-widths", "64"})
            .code == 0);
    const fs::path large = folder.folder.path() / "large";
    write_images(large, 2, 300);
    const Outcome chosen = duet_command({"train", "--data", large, "--print-recipe"});
    CHECK(contains(chosen.out, "[100, 128, 128, 90000]"));
    CHECK(duet_command({"train", "--data", large, "--print-recipe", "--generator-widths", "100-128-128-90000",
                        "--discriminator-widths", "90000-128-128-1"})
              .code == 0);
    for (const std::string& preset : models::preset_names()) {
        if (preset == "cgan" || preset == "resnet") continue;  // want labels, and sides of 32
        CAPTURE(preset);
        const Outcome printed =
            duet_command({"train", "--data", folder.data, "--preset", preset, "--print-recipe"});
        REQUIRE(printed.code == 0);
        const fs::path file = folder.folder.path() / (preset + ".toml");
        write_bytes(file, bytes_of(printed.out));
        const Outcome again = duet_command({"train", file, "--print-recipe"});
        CAPTURE(again.err);
        CHECK(parse_toml(again.out, "again") == parse_toml(printed.out, "printed"));
    }
}

TEST_CASE("names that are near are offered") {
    const Folder folder;
    folder.check_refused({"trian"}, "did you mean train?");
    folder.check_train_refused({"--lr", "1e-4"}, "did you mean --rate?");
    folder.check_train_refused({"--batch-size", "4"}, "did you mean --batch?");
    folder.check_train_refused({"--batch_size=4"}, "did you mean --batch?");
    folder.check_train_refused({"--setp", "4"}, "did you mean --set?");
    folder.check_train_refused({"--nonsense", "4"}, "\"--nonsense\" is unknown; see `duet help train`");
    folder.check_train_refused({"a.toml", "b.toml"}, "\"b.toml\" is unknown; see `duet help train`");
    folder.check_train_refused({"--loss", "minmax"}, "did you mean \"minimax\"?");
    folder.check_train_refused({"--set", "optimisers.generator.rate=1"}, "did you mean \"optimizers\"?");
    folder.check_train_refused({"--set", "optimizers.generator.lr=1"}, "known are rate, beta1");
    folder.check_train_refused({"--preset", "artical"}, "did you mean \"article\"?");
    folder.check_refused({"list", "minmax"}, "did you mean \"minimax\"?");
}

TEST_CASE("a setting without effect under the others is refused with the reason") {
    const Folder folder;
    folder.check_train_refused(
        {"--schedule", "documented", "--discriminator-steps", "3"},
        "no parameter of the schedule \"documented\"; it would have an effect with alternating");
    folder.check_train_refused({"--penalty", "none", "--penalty-weight", "2"},
                               "has no effect: the list has no entry 0");
    folder.check_train_refused({"--set", "optimizers.generator.kind=sgd", "--set",
                                "optimizers.discriminator.kind=sgd", "--beta1", "0.5"},
                               "it would have an effect with adam");
    folder.check_train_refused({"--steps", "5", "--epochs", "5"}, "epochs stands beside steps");
}

TEST_CASE("recipes that make no sense are refused by line and key") {
    const Folder folder;
    const fs::path file = folder.folder.path() / "recipe.toml";
    const auto refused = [&](const std::string& text, const std::string& part) {
        write_bytes(file, bytes_of(text));
        folder.check_refused({"train", file, "--data", folder.data, "--out", folder.out},
                             file.string() + part);
    };
    refused("batch = ", ":1: no TOML");
    refused("seed = 1\nbatch = \"64\"", ":2: batch: \"64\" is not a whole number from 1 to");
    refused("\nbath = 64", ":2: bath: no parameter; did you mean \"batch\"?");
    refused("[optimizers.generator]\nkind = \"adam\"\nbeta1 = 1.5",
            ":3: optimizers.generator.beta1: 1.5 is not");
    refused("[[penalties]]\nkind = \"r1\"\nwieght = 1",
            ":3: penalties.0.wieght: no parameter of the penalty");
    refused("[[penalties]]\nweight = 1", ":1: penalties.0: has no kind");
    refused("schema = 2", ":1: schema is 2; this Duet reads schema 1");
    refused("penalties = \"r1\"", ":1: penalties: \"r1\" is not a list of tables");
    refused("loss = \"minimax\"", ":1: loss: \"minimax\" is not a table");
    refused("steps = 5\nepochs = 5", ":2: epochs stands beside steps");
    refused("model = 3", ":1: model is a whole number");
    refused("seed = 2024-01-01", ":1: dates and times");
    refused("seed = inf", ":1: a number that is not finite");
}

TEST_CASE("what can be known before training is checked before it") {
    const Folder folder;
    folder.check_train_refused({"--profile", "/nonexistent/p.json"},
                               "--profile: there is no folder /nonexistent");
    const Outcome huge = duet_command({"train", "--data", folder.data, "--out", folder.out,
                                       "--generator-widths", "100-4000000-4000000-64"});
    CHECK(huge.code == 1);
    CHECK(contains(huge.err, "choose smaller widths"));
    CHECK_FALSE(fs::exists(folder.out));
    const Outcome warned = folder.train(folder.out, {"--batch", "64"});
    CHECK(warned.code == 0);
    CHECK(contains(warned.err, "warning: a batch of 64 shows some of the 40 images more than once"));
    CHECK(contains(warned.err, "note: --batch is given 2 times; the last one counts"));
    CHECK(contains(warned.out, "model       mlp; parameters: generator 37"));
    CHECK(contains(warned.out, "data        40 images of 8x8"));
    CHECK(contains(warned.out, "length      2 steps, 3.2 epochs, in batches of 64"));
    CHECK(contains(warned.out, "objective   non-saturating; r1 of weight 1; alternating"));
}

TEST_CASE("help explains the chosen model in 80 columns") {
    for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
             {"help"}, {"help", "train"}, {"train", "--help"}, {"help", "list"}}) {
        const Outcome help = duet_command(arguments);
        CHECK(help.code == 0);
        std::size_t column = 0;
        for (const char letter : help.out) {
            column = letter == '\n' ? 0 : column + 1;
            CHECK(column <= 80);
        }
    }
    CHECK(contains(duet_command({"train", "--model", "resnet", "--help"}).out, "(default: 0.0001)"));
    CHECK(contains(duet_command({"help", "train"}).out, "(default: 0.0002)"));
    const Outcome all = duet_command({"list"}), loss = duet_command({"list", "loss"}),
                  r1 = duet_command({"list", "r1"}), preset = duet_command({"list", "wgan-gp"});
    CHECK(contains(all.out, "loss: non-saturating, minimax, wasserstein"));
    CHECK(contains(loss.out, "loss minimax\n"));
    CHECK(contains(r1.out, "source: Mescheder et al. 2018"));
    CHECK(contains(preset.out, "discriminator_steps = 5"));
}

TEST_CASE("runs of few classes can be compared, and only into PNG files") {
    const Folder folder;
    const fs::path classes = folder.folder.path() / "classes", run = folder.folder.path() / "run";
    for (const char* name : {"a", "b"}) {
        fs::create_directories(classes / name);
        for (int i = 0; i < 4; ++i)
            write_png(classes / name / (std::to_string(i) + ".png"), Image{8, 8, 1, Bytes(64, 60 * i)});
    }
    std::vector<std::string> arguments{"train",   "--data", classes,   "--out", run,
                                       "--steps", "1",      "--batch", "4"};
    arguments.insert(arguments.end(), folder.small_dcgan.begin(), folder.small_dcgan.end());
    arguments[10] = "cgan";
    const Outcome trained = duet_command(arguments);
    CAPTURE(trained.err);
    REQUIRE(trained.code == 0);
    CHECK(duet_command({"compare", "--out", folder.folder.path() / "x.png", run}).code == 0);
    folder.check_refused({"compare", "--out", folder.folder.path() / "x.jpg", run}, "must end in .png");
}
