#include <signal.h>

#include <chrono>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "../../tools/output.hpp"
#include "run_support.hpp"

using namespace duet;
using namespace duet::testing;

namespace fs = std::filesystem;

namespace {

/// Trainings side by side in one folder.
struct ManyRuns : Runs {
    Outcome train(const std::string& name, const Words& more) const {
        return Runs::train(all / name, with({"--quiet", "--log-every", "1"}, more));
    }

    fs::path all = (*this)["runs"];
};

nlohmann::json run_in(const ManyRuns& runs, const std::string& name) {
    const Outcome outcome = duet_command({"runs", runs.all, "--json"});
    REQUIRE(outcome.code == 0);
    for (const auto& run : json_of(outcome.out))
        if (fs::path(run["path"].get<std::string>()).filename() == name) return run;
    return {};
}

}  // namespace

TEST_CASE("duet runs lists what runs are and how they stand") {
    const ManyRuns runs;
    REQUIRE(runs.train("run-10", {"--steps", "3", "--set", "output.best=generator_loss"}).code == 0);
    REQUIRE(runs.train("run-9", {"--steps", "2", "--preset", "article"}).code == 0);
    fs::create_directories(runs.all / "stranger");
    Process process("duet", {"train", "--data", runs.data, "--out", runs.all / "deep" / "run-1", "--batch",
                             "4", "--steps", "1000000000", "--log-every", "1"});
    while (!fs::exists(runs.all / "deep" / "run-1" / "samples" / "step-000000.png"))
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    CHECK(run_in(runs, "run-1")["state"] == "running");
    process.send(SIGKILL);
    process.wait();
    CHECK(run_in(runs, "run-1")["state"] == "killed");
    const nlohmann::json run = run_in(runs, "run-10");
    CHECK(run["state"] == "finished");
    CHECK(run["step"] == 3);
    CHECK(run["steps"] == 3);
    CHECK(run["model"] == "mlp");
    CHECK(run["data"] == runs.data.string());
    CHECK(run["metrics"].contains("generator_loss"));
    CHECK(run["metrics"]["best generator_loss"] <= run["metrics"]["generator_loss"]);

    const Outcome table = duet_command({"runs", runs.all});
    CHECK(table.out.find("run-9") < table.out.find("run-10"));
    CHECK(table.out.starts_with("run "));
    CHECK(std::count(table.out.begin(), table.out.end(), '\n') == 4);
    const Outcome by_steps = duet_command({"runs", runs.all, "--sort", "steps", "--csv"});
    CHECK(by_steps.out.starts_with("path,state,model,data,started,step,steps,seconds,"));
    CHECK(by_steps.out.find("run-9") < by_steps.out.find("run-10"));
    CHECK(duet_command({"runs", runs.all, "--sort", "colour"}).code == 2);
    CHECK(duet_command({"runs", runs.folder.path() / "none"}).code == 2);

    // One that ended before its first row is whole.
    write_bytes(runs.all / "run-9" / "metrics.csv", {});
    CHECK(!run_in(runs, "run-9").contains("problem"));

    // A damaged run is listed, with what is wrong.
    write_bytes(runs.all / "run-9" / "recipe.toml", {'='});
    write_bytes(runs.all / "run-9" / "run.json", {'['});
    CHECK(run_in(runs, "run-9")["state"] == "unknown");
    CHECK(contains(run_in(runs, "run-9")["problem"].get<std::string>(), "recipe.toml"));
}

TEST_CASE("duet runs lists a run whose files say anything") {
    const TemporaryFolder folder;
    const fs::path run = folder.path() / "runs" / "run-1";
    fs::create_directories(run);
    write_file_atomically(run / ".duet-run", std::string_view());
    write_file_atomically(run / "recipe.toml", std::string_view("model = \"a\\u001B[2J\"\nsteps = -3"));
    const auto listed = [&](const std::string& metrics, const std::string& json) {
        write_file_atomically(run / "metrics.csv", metrics);
        write_file_atomically(run / "run.json", json);
        const Outcome outcome = duet_command({"runs", run.parent_path(), "--json"});
        REQUIRE(outcome.code == 0);
        CHECK(duet_command({"runs", run.parent_path(), "--sort", "time"}).code == 0);
        return json_of(outcome.out)[0];
    };
    for (const char* number : {"inf", "nan", "-1", "1e300", "18446744073709551616", ""}) {
        CAPTURE(number);
        const auto entry = listed(fmt::format("step,seconds\n{},{}\n", number, number), "{}");
        CHECK(entry["step"] == 0);
        CHECK(entry["seconds"].get<double>() >= 0);
        CHECK(entry["model"] == "a?[2J");
    }
    const auto entry =
        listed("step,seconds\n7,1.5\n", R"({"steps": -1, "seconds": -1, "started": "\n", "state": 3})");
    CHECK(entry["step"] == 7);
    CHECK(entry["seconds"] == 1.5);
    CHECK(entry["started"] == "?");
    CHECK(entry["state"] == "unknown");
    fs::rename(run, run.parent_path() / "run\x1b[2J\n1");
    const Outcome table = duet_command({"runs", run.parent_path()});
    CHECK(contains(table.out, "run?[2J?1 "));
    CHECK_FALSE(contains(table.out, "\x1b"));
}

TEST_CASE("control letters of a text are shown, and letters beyond ASCII stay") {
    CHECK(tools::one_line("a\x1b[2J\x7f \xc2\x9b"
                          "2J\n\xc3\xa9") == "a?[2J? ?2J?\xc3\xa9");
    CHECK(tools::one_line("\xc2") == "\xc2");
}

TEST_CASE("duet info says what files and folders hold") {
    const ManyRuns runs;
    REQUIRE(runs.train("run", {"--steps", "3"}).code == 0);
    const fs::path run = runs.all / "run";
    const auto check_info = [](const fs::path& path, const std::vector<std::string>& parts) {
        const Outcome outcome = duet_command({"info", path});
        CAPTURE(outcome.err);
        CHECK(outcome.code == 0);
        for (const std::string& part : parts) {
            CAPTURE(part);
            CHECK(contains(outcome.out, part));
        }
    };
    check_info(run, {"finished", "3 of 3", "non-saturating", runs.data.string()});
    check_info(run / "weights.safetensors",
               {"next draw 6, next batch 3", "\"generator.0.weight\" (128, 100)"});
    check_info(run / "checkpoints" / "step-000003.safetensors",
               {"whole by its CRC-32", "generator_adam.mean.generator.0.weight"});
    check_info(run / "recipe.toml", {"mlp-generator"});
    check_info(runs.data, {"40 of 8x8, 1 channel"});
    CHECK(duet_command({"info", runs.folder.path() / "none"}).code == 2);
    CHECK(duet_command({"info", runs.data / "train-images-idx3-ubyte"}).code == 2);
}

TEST_CASE("duet verify finds what was changed, and where a run trained again first differs") {
    const ManyRuns runs;
    REQUIRE(runs.train("first", {"--steps", "4"}).code == 0);
    const std::vector<std::string> more = {"--steps",
                                           "9",
                                           "--checkpoint-every",
                                           "3",
                                           "--keep-every",
                                           "3",
                                           "--init",
                                           runs.all / "first" / "weights.safetensors"};
    REQUIRE(runs.train("run", more).code == 0);
    const fs::path run = runs.all / "run";
    const auto verify = [&](const std::vector<std::string>& options) {
        std::vector<std::string> words = {"verify", run};
        words.insert(words.end(), options.begin(), options.end());
        return duet_command(words);
    };
    const Outcome same = verify({"--rerun", "--threads", "1"});
    CAPTURE(same.err);
    CHECK(same.code == 0);
    CHECK(contains(same.out, "same: 9 steps, 9 rows of metrics, 3 checkpoints"));
    CHECK_FALSE(contains(same.out, "differs"));

    SUBCASE("a changed file") {
        Bytes weights = read_file(run / "weights.safetensors");
        weights.back() ^= 1;
        write_bytes(run / "weights.safetensors", weights);
        const Outcome changed = verify({});
        CHECK(changed.code == 1);
        CHECK(contains(changed.out, "weights.safetensors  differs"));
        CHECK(is_error_line(changed.err));
    }
    SUBCASE("another recipe") {
        std::string recipe = text_of(run / "recipe.toml");
        const std::size_t at = recipe.find("rate = 0.0002");
        recipe.replace(at, 13, "rate = 0.0003");
        write_bytes(run / "recipe.toml", Bytes(recipe.begin(), recipe.end()));
        nlohmann::json json = json_of(text_of(run / "run.json"));
        json["sha256"].erase("recipe.toml");
        const std::string text = json.dump();
        write_bytes(run / "run.json", Bytes(text.begin(), text.end()));
        const Outcome again = verify({"--rerun"});
        CHECK(again.code == 1);
        CHECK(contains(again.err, "differs at step 2 or before: the metric "));
    }
    SUBCASE("other images") {
        write_images(runs.data, 41, 8);
        const Outcome other = verify({});
        CHECK(other.code == 1);
        CHECK(contains(other.out, "data                 differs"));
    }
    CHECK(duet_command({"verify", runs.data}).code == 2);
}

TEST_CASE("run.json says who trained what, and how it ended") {
    const ManyRuns runs;
    REQUIRE(runs.train("run", {"--steps", "3"}).code == 0);
    const nlohmann::json json = json_of(text_of(runs.all / "run" / "run.json"));
    CHECK(json["state"] == "finished");
    CHECK(json["steps"] == 3);
    for (const char* key : {"version", "commit", "compiler", "processor", "started", "ended", "command"}) {
        CAPTURE(key);
        CHECK_FALSE(json[key].get<std::string>().empty());
    }
    CHECK(contains(json["command"].get<std::string>(), "train --data"));
    CHECK(json["sha256"]["state"].get<std::string>().size() == 64);
    CHECK(json["data"]["sha256"].get<std::string>().size() == 64);
}
