#include <signal.h>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/data/toml.hpp>
#include <duet/models/training/checkpoint.hpp>

#include "run_support.hpp"

using namespace duet;
using namespace duet::testing;

namespace fs = std::filesystem;

TEST_CASE("a run goes on to the bits of one that was never interrupted, whatever the model") {
    struct Model {
        const char* name;
        std::size_t side;
        Words options;
    };
    const std::vector<Model> models = {
        {"article", 8, {"--preset", "article"}},
        {"mlp", 8, {"--set", "penalties.0.every=2"}},
        {"alternating",
         8,
         {"--schedule", "alternating", "--discriminator-steps", "2", "--set",
          "optimizers.generator.schedule={kind=\"exponential-decay\",factor=0.9}"}},
        {"dcgan", 8, {"--model", "dcgan", "--generator-widths", "6-8-4", "--discriminator-widths", "4-8"}},
        {"wgan-gp",
         8,
         {"--preset", "wgan-gp", "--generator-widths", "6-8-4", "--discriminator-widths", "4-8"}},
        {"dcgan-r1",
         8,
         {"--preset", "dcgan-r1", "--generator-widths", "6-8-4", "--discriminator-widths", "4-8"}},
        {"sngan", 8, {"--preset", "sngan", "--generator-widths", "6-8-4", "--discriminator-widths", "4-8"}},
        {"hinge-sn",
         8,
         {"--preset", "hinge-sn", "--generator-widths", "6-8-4", "--discriminator-widths", "4-8"}},
        {"rpgan-r1r2",
         8,
         {"--preset", "rpgan-r1r2", "--set", "penalties.0.schedule.steps=6", "--set",
          "penalties.1.schedule.steps=6", "--set", "optimizers.generator.schedule.steps=6", "--set",
          "optimizers.generator.beta2_schedule.steps=6", "--set", "optimizers.discriminator.schedule.steps=6",
          "--set", "optimizers.discriminator.beta2_schedule.steps=6"}},
        {"everything",
         8,
         {"--schedule", "adaptive", "--set", "schedule.hold=2", "--set", "schedule.threshold=1.0", "--set",
          "average.decay=0.9", "--set", "packing=2", "--set",
          "transforms=[{kind=\"translation\",probability=0.5},{kind=\"cutout\"},{kind=\"brightness\"},{kind="
          "\"instance-noise\",schedule={kind=\"linear-decay\",steps=10}}]",
          "--set",
          "optimizers.discriminator={kind=\"adam-w\",beta2_schedule={kind=\"linear-decay\",steps=10},"
          "constraints=[{kind=\"gradient-clipping\"},{kind=\"weight-clipping\"}]}",
          "--set",
          "penalties=[{kind=\"r1\",schedule={kind=\"linear-decay\",steps=10}},{kind=\"r2\",every=2}]"}},
        {"resnet",
         32,
         {"--model", "resnet", "--generator-widths", "6-4-4-4-4", "--discriminator-widths", "4-4-4"}}};
    for (const Model& model : models) {
        CAPTURE(model.name);
        const Runs runs(model.side);
        const fs::path whole = runs["whole"], part = runs["part"];
        const Outcome first = runs.train(whole, with(model.options, {"--steps", "8", "--threads", "1"}));
        CAPTURE(first.err);
        REQUIRE(first.code == 0);
        // Step 5 is in no interval: its row and its picture must not stay.
        REQUIRE(runs.train(part, with(model.options, {"--steps", "5", "--threads", "2"})).code == 0);
        CHECK(fs::exists(part / "samples" / "step-000005.png"));
        CHECK(contains(text_of(part / "metrics.csv"), "\n5,"));
        const Outcome rest = runs.train(part, with(model.options, {"--steps", "8", "--threads", "1"}));
        CAPTURE(rest.err);
        REQUIRE(rest.code == 0);
        CHECK(contains(rest.out, "from step 5"));
        check_same_run(part, whole, 8);
    }
}

TEST_CASE("a conditional run goes on to the same bits, from its recipe alone") {
    const Runs runs;
    write_bytes(runs.data / "train-labels-idx1-ubyte", idx_file({40}));
    Bytes labels = read_file(runs.data / "train-labels-idx1-ubyte");
    for (std::size_t i = 8; i < labels.size(); ++i) labels[i] = static_cast<std::uint8_t>(i % 3);
    write_bytes(runs.data / "train-labels-idx1-ubyte", labels);
    const Words options = {"--model", "cgan", "--generator-widths", "6-8-4", "--discriminator-widths", "4-8"};
    const fs::path whole = runs["whole"], part = runs["part"];
    const Outcome first = runs.train(whole, with(options, {"--steps", "6"}));
    CAPTURE(first.err);
    REQUIRE(first.code == 0);
    REQUIRE(runs.train(part, with(options, {"--steps", "3"})).code == 0);
    REQUIRE(duet_command({"train", part / "recipe.toml", "--out", part, "--steps", "6"}).code == 0);
    check_same_run(part, whole, 6);
}

TEST_CASE("the same command in the folder of a finished run does nothing, and more steps go on") {
    const Runs runs;
    REQUIRE(runs.train(runs["run"], {"--steps", "3"}).code == 0);
    const std::string json = text_of(runs["run"] / "run.json");
    const Outcome again = runs.train(runs["run"], {"--steps", "3", "--threads", "1"});
    CHECK(again.code == 0);
    CHECK(contains(again.out, "nothing is left to do"));
    CHECK(text_of(runs["run"] / "run.json") == json);
    const Outcome fewer = runs.train(runs["run"], {"--steps", "2"});
    CHECK(fewer.code == 2);
    CHECK(contains(fewer.err, "stands at step 3 already"));
    CHECK(runs.train(runs["run"], {"--steps", "4", "--checkpoint-every", "1", "--log-every", "1"}).code == 0);
    CHECK(contains(text_of(runs["run"] / "metrics.csv"), "\n4,"));
}

TEST_CASE(
    "another training in a run's folder is refused, naming what differs, and --restart keeps the old one") {
    const Runs runs;
    const fs::path run = runs["run"];
    REQUIRE(runs.train(run, {"--steps", "3"}).code == 0);
    const std::string weights = text_of(run / "weights.safetensors");
    const auto check_refused = [&](const Words& more, const std::string& part) {
        const Outcome outcome = runs.train(run, with(more, {"--steps", "5"}));
        CAPTURE(outcome.err);
        CHECK(outcome.code == 2);
        CHECK(contains(outcome.err, part));
        CHECK(contains(outcome.err, "--restart"));
        CHECK(text_of(run / "weights.safetensors") == weights);
    };
    check_refused({"--seed", "1"}, "its seed is 0, here it is 1");
    check_refused({"--loss", "minimax"}, "its loss.kind is non-saturating, here it is minimax");
    check_refused({"--batch", "8"}, "its batch is 4, here it is 8");
    check_refused({"--penalty", "none"}, "its penalties is");
    write_images(runs.data, 41, 8);
    check_refused({}, "data.sha256");
    write_images(runs.data, 40, 8);

    const Outcome restarted = runs.train(run, {"--steps", "3", "--seed", "1", "--restart"});
    CHECK(restarted.code == 0);
    CHECK(contains(restarted.out, "run.old-1"));
    CHECK(text_of(runs["run.old-1"] / "weights.safetensors") == weights);
    CHECK(text_of(run / "weights.safetensors") != weights);

    SUBCASE("a schedule that follows from the length cannot go on to another") {
        const Words cosine = {"--set", "optimizers.generator.schedule={kind=\"cosine-decay\"}"};
        REQUIRE(runs.train(runs["cosine"], with(cosine, {"--steps", "3"})).code == 0);
        const Outcome outcome = runs.train(runs["cosine"], with(cosine, {"--steps", "5"}));
        CHECK(outcome.code == 2);
        CHECK(contains(outcome.err, "a schedule follows from their number"));
        const Words fixed = {"--set", "optimizers.generator.schedule={kind=\"cosine-decay\",steps=9}"};
        REQUIRE(runs.train(runs["fixed"], with(fixed, {"--steps", "3"})).code == 0);
        CHECK(runs.train(runs["fixed"], with(fixed, {"--steps", "5"})).code == 0);
    }
}

TEST_CASE("a folder that holds something else, or that another process trains in, is left alone") {
    const Runs runs;
    fs::create_directories(runs["project"]);
    write_bytes(runs["project"] / "recipe.toml", {'x'});
    const Outcome foreign = runs.train(runs["project"], {"--steps", "1"});
    CHECK(foreign.code == 2);
    CHECK(is_error_line(foreign.err));
    CHECK(contains(foreign.err, "recipe.toml"));
    CHECK(entries_below(runs["project"]) == 1);
    fs::create_directories(runs["empty"]);
    CHECK(runs.train(runs["empty"], {"--steps", "1"}).code == 0);

    Process other("duet", runs.command(runs["run"], endless));
    wait_for(runs["run"] / "samples" / "step-000003.png");
    for (const Words& more : {Words{}, Words{"--restart"}}) {
        const Outcome refused = runs.train(runs["run"], with(endless, more));
        CHECK(refused.code == 2);
        CHECK(is_error_line(refused.err));
        CHECK(contains(refused.err, "another process is training"));
    }
    other.send(SIGKILL);
    CHECK(other.wait().code == 128 + SIGKILL);
    CHECK(runs.train(runs["run"], {"--steps", "1000000000", "--time-limit", "1s"}).code == 0);
}

TEST_CASE("a run without --out takes the next free folder and says so first") {
    const Runs runs;
    const Words words = {"train", "--data", runs.data, "--steps", "1", "--batch", "4"};
    const std::string setting = "cd '" + runs.folder.path().string() + "'";
    for (const char* name : {"mlp-1", "mlp-2"}) {
        const Outcome outcome = Process("duet", words, setting).wait();
        CAPTURE(outcome.err);
        CHECK(outcome.code == 0);
        CHECK(outcome.out.starts_with(fmt::format("run         runs/{}\n", name)));
        CHECK(fs::exists(runs["runs"] / name / "weights.safetensors"));
    }
    CHECK(Process("duet", with(words, {"--preset", "article"}), setting).wait().code == 0);
    CHECK(fs::exists(runs["runs"] / "article-1" / "weights.safetensors"));
}

TEST_CASE("--init starts a new training whose draws and data go on from the file's") {
    const Runs runs;
    const auto still = [](const Words& more) {
        return with({"--steps", "4", "--log-every", "1", "--rate", "1e-30"}, more);
    };
    REQUIRE(runs.train(runs["first"], still({})).code == 0);
    const fs::path weights = runs["first"] / "weights.safetensors";
    const Outcome second = runs.train(runs["second"], still({"--init", weights}));
    REQUIRE(second.code == 0);
    CHECK(contains(second.out, "a new training from"));
    CHECK(contains(second.out, "draws and data go on from there"));
    // At a rate of nothing, eight steps see what four and four see.
    REQUIRE(runs.train(runs["whole"], still({"--steps", "8"})).code == 0);
    const std::string whole = metrics_of(runs["whole"]), rest = metrics_of(runs["second"]);
    const auto losses = [](const std::string& metrics, const std::string& step) {
        const std::size_t begin = metrics.find("\n" + step + ",") + 1;
        const std::string row = metrics.substr(begin, metrics.find('\n', begin) - begin);
        return row.substr(row.find(',', row.find(',') + 1));
    };
    CHECK(losses(rest, "1") == losses(whole, "5"));
    CHECK(losses(rest, "4") == losses(whole, "8"));

    const Outcome again = duet_command({"train", runs["second"] / "recipe.toml", "--out", runs["again"]});
    CHECK(again.code == 0);
    CHECK(text_of(runs["again"] / "weights.safetensors") == text_of(runs["second"] / "weights.safetensors"));
    REQUIRE(runs.train(runs["first"], {"--steps", "5", "--log-every", "1", "--rate", "1e-30"}).code == 0);
    const Outcome changed = duet_command({"train", runs["second"] / "recipe.toml", "--out", runs["changed"]});
    CHECK(changed.code == 2);
    CHECK(contains(changed.err, "it is not the file of the recipe"));
}

TEST_CASE("a checkpoint of another training is refused, whatever recipe.toml says") {
    const Runs runs;
    REQUIRE(runs.train(runs["run"], {"--steps", "3"}).code == 0);
    REQUIRE(runs.train(runs["other"], {"--steps", "4", "--seed", "7"}).code == 0);
    SUBCASE("recipe.toml is gone") {
        fs::remove(runs["run"] / "recipe.toml");
    }
    SUBCASE("the checkpoint came from elsewhere") {
        fs::copy_file(checkpoint_of(runs["other"], 4), checkpoint_of(runs["run"], 4));
        const Outcome mixed = runs.train(runs["run"], {"--steps", "6"});
        CHECK(mixed.code == 2);
        CHECK(contains(mixed.err, "its seed is 7, here it is 0"));
        return;
    }
    const Outcome mixed = runs.train(runs["run"], {"--steps", "6", "--seed", "7"});
    CHECK(mixed.code == 2);
    CHECK(contains(mixed.err, "its seed is 0, here it is 7"));
    CHECK(runs.train(runs["run"], {"--steps", "6"}).code == 0);
}

TEST_CASE("a run goes on without its metrics, and without the file that it started from") {
    const Runs runs;
    const fs::path run = runs["run"], weights = runs["first"] / "weights.safetensors";
    REQUIRE(runs.train(runs["first"], {"--steps", "3"}).code == 0);
    REQUIRE(runs.train(run, {"--steps", "4", "--init", weights}).code == 0);
    REQUIRE(runs.train(runs["whole"], {"--steps", "8", "--init", weights}).code == 0);
    fs::remove(weights);
    SUBCASE("the init file alone") {
        REQUIRE(runs.train(run, {"--steps", "6", "--init", weights}).code == 0);
        REQUIRE(duet_command({"train", run / "recipe.toml", "--out", run, "--steps", "8"}).code == 0);
        check_same_run(run, runs["whole"], 8);
    }
    SUBCASE("the metrics too") {
        fs::remove(run / "metrics.csv");
        const Outcome outcome = runs.train(run, {"--steps", "8", "--init", weights});
        CHECK(outcome.code == 0);
        CHECK(contains(outcome.err, "was changed since the checkpoint"));
        CHECK(contains(text_of(run / "metrics.csv"), "\n8,"));
        CHECK(text_of(run / "weights.safetensors") == text_of(runs["whole"] / "weights.safetensors"));
    }
}

TEST_CASE("a new run can start from the weights of the one that it moves aside") {
    const Runs runs;
    const fs::path run = runs["run"];
    REQUIRE(runs.train(run, {"--steps", "3"}).code == 0);
    const Words again = {"--steps", "4", "--init", run / "weights.safetensors"};
    REQUIRE(runs.train(run, with(again, {"--restart"})).code == 0);
    CHECK(contains(text_of(run / "recipe.toml"), "run.old-1/weights.safetensors"));
    CHECK(duet_command({"train", run / "recipe.toml", "--out", run, "--steps", "6"}).code == 0);
    CHECK(duet_command({"verify", run, "--rerun"}).code == 0);
    fs::create_directories(runs["empty"]);
    CHECK(runs.train(runs["empty"], {"--steps", "1", "--restart"}).code == 0);
}

TEST_CASE("how often a run measures may change when it goes on, and not what") {
    const Runs runs;
    write_images(runs.data, 40, 8);
    fs::copy_file(runs.data / "train-images-idx3-ubyte", runs.data / "t10k-images-idx3-ubyte");
    const fs::path run = runs["run"];
    const auto measuring = [](const char* every, const char* metrics) {
        return Words{"--set", fmt::format("evaluate.every={}", every),          "--set", "evaluate.count=40",
                     "--set", fmt::format("evaluate.metrics=[\"{}\"]", metrics)};
    };
    const Outcome first = runs.train(run, with(measuring("2", "vendi"), {"--steps", "4"}));
    CAPTURE(first.err);
    REQUIRE(first.code == 0);
    const std::string metrics = text_of(run / "metrics.csv");
    const Outcome other = runs.train(run, with(measuring("2", "kid"), {"--steps", "6"}));
    CHECK(other.code == 2);
    CHECK(contains(other.err, "its evaluate.metrics is [\"vendi\"], here it is [\"kid\"]"));
    CHECK(contains(runs.train(run, {"--steps", "6"}).err, "its evaluate.every is 2, here it is 0"));
    CHECK(text_of(run / "metrics.csv") == metrics);
    CHECK(runs.train(run, with(measuring("3", "vendi"), {"--steps", "6"})).code == 0);
}

TEST_CASE("a run goes on whatever became of recipe.toml") {
    const Runs runs;
    const fs::path run = runs["run"], weights = runs["first"] / "weights.safetensors";
    REQUIRE(runs.train(runs["first"], {"--steps", "3"}).code == 0);
    REQUIRE(runs.train(run, {"--steps", "4", "--init", weights}).code == 0);
    const Bytes recipe = read_file(run / "recipe.toml");
    fs::remove(weights);
    SUBCASE("cut short") {
        write_bytes(run / "recipe.toml", Bytes(recipe.begin(), recipe.begin() + 100));
    }
    SUBCASE("empty") {
        write_bytes(run / "recipe.toml", {});
    }
    SUBCASE("gone") {
        fs::remove(run / "recipe.toml");
    }
    const Outcome outcome = runs.train(run, {"--steps", "6", "--init", weights});
    CAPTURE(outcome.err);
    CHECK(outcome.code == 0);
    CHECK(contains(outcome.out, "from step 4"));
    CHECK(contains(text_of(run / "recipe.toml"), "steps = 6"));
}

TEST_CASE("--restart follows a link to the run, which leads to the new one") {
    const Runs runs;
    const fs::path run = runs["run"], link = runs["link"];
    REQUIRE(runs.train(run, {"--steps", "3"}).code == 0);
    fs::create_directory_symlink(run, link);
    const Outcome outcome =
        runs.train(link, {"--steps", "4", "--init", link / "weights.safetensors", "--restart"});
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    CHECK(checkpoints_of(run) == std::vector<std::uint64_t>{4});
    CHECK(checkpoints_of(runs["run.old-1"]) == std::vector<std::uint64_t>{3});
    CHECK(contains(text_of(run / "recipe.toml"), "run.old-1/weights.safetensors"));
    CHECK(duet_command({"verify", link, "--rerun"}).code == 0);
}
