#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "run_support.hpp"

using namespace duet;
using namespace duet::testing;

namespace fs = std::filesystem;

namespace {

const std::string quick = "{name = \"quick\", set = [\"steps=6\", \"batch=4\"]}",
                  article = "{name = \"article\", preset = \"article\", set = [\"steps=60\", \"batch=4\"]}";

/// A study of images of noise in three classes, some held back, in a folder with a cache of its own.
struct TinyStudy {
    TinyStudy() {
        fs::create_directories(at("data"));
        std::mt19937 generator(3);
        for (const auto& [split, count] : {std::pair("train", 60U), std::pair("t10k", 44U)}) {
            Bytes images = idx_file({count, 8, 8}), labels = idx_file({count});
            for (std::size_t i = 16; i < images.size(); ++i)
                images[i] = static_cast<std::uint8_t>(generator());
            for (std::size_t i = 8; i < labels.size(); ++i) labels[i] = static_cast<std::uint8_t>(i % 3);
            write_bytes(at(fmt::format("data/{}-images-idx3-ubyte", split)), images);
            write_bytes(at(fmt::format("data/{}-labels-idx1-ubyte", split)), labels);
        }
        write({quick, article});
    }

    void write(const Words& recipes, const std::string& more = "metrics = [\"fid\", \"kid\"]\n") const {
        write_file_atomically(
            at("study.toml"),
            fmt::format("seeds = 2\ncount = 40\nfeature_epochs = 1\n{}data = [{{name = \"noise\", path = "
                        "\"{}\"}}]\nrecipes = [\n{}]\n",
                        more, at("data").string(), fmt::join(recipes, ",\n")));
    }
    fs::path at(const std::string& name) const { return folder.path() / name; }
    std::string setting() const { return fmt::format("export XDG_CACHE_HOME='{}'", at("cache").string()); }
    Words words(const Words& more = {}, const std::string& out = "out") const {
        return with({"study", at("study.toml"), "--out", at(out)}, more);
    }
    Outcome run(const Words& more = {}, const std::string& out = "out") const {
        return Process("duet", words(more, out), setting()).wait();
    }
    nlohmann::json json(const std::string& run, const std::string& file) const {
        return json_of(text_of(at("out") / run / file));
    }

    TemporaryFolder folder;
};

/// The lines of a table, without their last column, the time.
std::string without_time(const std::string& text) {
    std::istringstream stream(text);
    std::string kept;
    for (std::string line; std::getline(stream, line);) {
        if (contains(line, "[") || line.ends_with(" time")) line.resize(line.rfind("  "));
        kept += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    return kept;
}

std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

/// Checks that every run was trained and evaluated once, and the feature network made once.
void check_once(const fs::path& out) {
    std::size_t runs = 0;
    for (const fs::directory_entry& run : fs::directory_iterator(out)) {
        if (!run.is_directory()) continue;
        ++runs;
        CAPTURE(run.path().string());
        const auto json = json_of(text_of(run.path() / "run.json"));
        CHECK(json["state"] == "finished");
        CHECK_FALSE(json.contains("resumed_from"));
        CHECK(json["begun"] == json["started"]);
        const std::string log = text_of(run.path() / "study.log");
        CHECK(count_of(log, "$ duet train") == 1);
        CHECK(count_of(log, "$ duet evaluate") == 1);
    }
    CHECK(runs == 4);
    CHECK(count_of(text_of(out / "features-noise-1.safetensors.log"), "$ duet features") == 1);
}

}  // namespace

TEST_CASE("the table of a study is that computed by hand from its runs") {
    const TinyStudy study;
    const Outcome outcome = study.run({"--markdown", study.at("page.md"), "--processes", "2"});
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    check_once(study.at("out"));
    const std::string page = text_of(study.at("page.md"));
    CAPTURE(page);
    struct Hand {
        double mean, error;
    };
    std::map<std::string, Hand> fids;
    constexpr double quantile = 12.706204736174694;
    for (const char* recipe : {"quick", "article"}) {
        std::string row = fmt::format("| {} |", recipe);
        for (const char* metric : {"fid", "kid"}) {
            double values[2] = {};
            for (int seed : {0, 1})
                values[seed] =
                    study.json(fmt::format("{}-noise-{}", recipe, seed), "evaluation.json")[metric]["value"];
            const Hand hand{(values[0] + values[1]) / 2, std::abs(values[0] - values[1]) / 2};
            row += fmt::format(" {:.4g} \u00b1 {:.2g} [{:.4g}, {:.4g}] |", hand.mean, hand.error,
                               hand.mean - quantile * hand.error, hand.mean + quantile * hand.error);
            if (metric == std::string("fid")) fids[recipe] = hand;
        }
        CAPTURE(row);
        CHECK(contains(page, row + " 2 | 0 | "));
    }
    const Hand &a = fids["quick"], &b = fids["article"];
    const double difference = std::abs(a.mean - b.mean), error = std::hypot(a.error, b.error);
    const std::string claim = fmt::format("noise, fid: {} is lower than {}, by {:.3g} \u00b1 {:.2g}\n",
                                          a.mean < b.mean ? "quick" : "article",
                                          a.mean < b.mean ? "article" : "quick", difference, error);
    CHECK(contains(page, claim) == (difference > 2 * error));
    CHECK(contains(outcome.out, claim) == (difference > 2 * error));
    const auto json = study.json("quick-noise-0", "run.json");
    CHECK(contains(page, fmt::format("Made by Duet {} ({}) with `duet study {} --markdown {}`",
                                     json["version"].get<std::string>(), json["commit"].get<std::string>(),
                                     study.at("study.toml").string(), study.at("page.md").string())));
    const std::string network = study.json("quick-noise-0", "evaluation.json")["network"];
    CHECK(network.size() == 64);
    CHECK(contains(page, "@ " + network));
    CHECK(contains(page, "`duet train --preset=article --set=steps=60 --set=batch=4`, seeds 0 to 1"));
    CHECK(count_of(outcome.err, " left\n") == 5);
    CHECK(contains(outcome.err, "quick-noise-1: fid "));

    // Nothing is left to do; and another number of images judges the same trainings again.
    const Outcome again = study.run({"--quiet"});
    CHECK(again.out == outcome.out);
    CHECK(again.err.empty());
    check_once(study.at("out"));
    study.write({quick, article}, "metrics = [\"kid\"]\n");
    const Outcome fewer = study.run({"--table"});
    CHECK_FALSE(contains(fewer.out, "fid"));
    std::string text = text_of(study.at("study.toml"));
    text.replace(text.find("count = 40"), 10, "count = 50");
    write_file_atomically(study.at("study.toml"), text);
    CHECK(contains(study.run({"--table"}).out, "Runs left: 4."));
    CHECK(study.run().code == 0);
    CHECK(study.json("quick-noise-0", "evaluation.json")["fid"]["n"] == 50);
    CHECK_FALSE(study.json("quick-noise-0", "run.json").contains("resumed_from"));
}

TEST_CASE("a study's own seeds and data, and a recipe's file") {
    const TinyStudy study;
    write_file_atomically(study.at("own.toml"), std::string_view("steps = 3\nbatch = 4\n"));
    fs::create_directories(study.at("other"));
    fs::copy_file(study.at("data/train-images-idx3-ubyte"), study.at("other/train-images-idx3-ubyte"));
    write_file_atomically(
        study.at("study.toml"),
        fmt::format("seeds = 1\ncount = 40\nfeature_epochs = 1\nmetrics = [\"fid_train\"]\n[[data]]\nname = "
                    "\"noise\"\npath = \"{0}/data\"\n[[data]]\nname = \"plain\"\npath = \"{0}/other\"\n"
                    "[[recipes]]\nname = \"own\"\nrecipe = \"{0}/own.toml\"\nseeds = 2\ndata = [\"noise\"]\n"
                    "[[recipes]]\nname = \"both\"\nset = [\"steps=2\", \"batch=4\"]\n",
                    study.folder.path().string()));
    const Outcome outcome = study.run();
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    for (const char* run : {"own-noise-0", "own-noise-1", "both-noise-0", "both-plain-0"})
        CHECK(fs::exists(study.at("out") / run / "evaluation.json"));
    CHECK_FALSE(fs::exists(study.at("out") / "own-plain-0"));
    CHECK_FALSE(fs::exists(study.at("out") / "both-noise-1"));
    CHECK(study.json("own-noise-0", "run.json")["steps"] == 3);
    // Without labels there is no network that tells them.
    CHECK_FALSE(fs::exists(study.at("out/features-plain-1.safetensors")));
    // What was asked of the runs is another recipe now.
    write_file_atomically(study.at("own.toml"), std::string_view("steps = 3\nbatch = 8\n"));
    const Outcome changed = study.run();
    CHECK(changed.code == 2);
    CHECK(contains(changed.err, "its batch is 4, here it is 8"));
}

TEST_CASE("runs that fail are kept as failures, and run again when asked") {
    const TinyStudy study;
    const std::string bad =
        "{name = \"bad\", seeds = 1, set = [\"steps=6\", \"batch=4\", \"optimizers.generator.rate=1e38\"]}";
    study.write({quick, bad});
    const Outcome outcome = study.run();
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    const auto check = [&](const Outcome& end, std::size_t trainings) {
        CHECK(end.code == 0);
        CHECK(contains(end.out, "Failed:\n  bad-noise-0: step 2: "));
        CHECK(contains(end.out, " is not finite"));
        const std::size_t row = end.out.find("\nbad ");
        REQUIRE(row != std::string::npos);
        std::istringstream cells(end.out.substr(row));
        std::string name, fid, kid, runs, failed;
        cells >> name >> fid >> kid >> runs >> failed;
        CHECK(fid == "-");
        CHECK(runs == "0");
        CHECK(failed == "1");
        CHECK(count_of(text_of(study.at("out") / "bad-noise-0" / "study.log"), "$ duet train") == trainings);
    };
    check(outcome, 1);
    CHECK(contains(outcome.err, "bad-noise-0: failed: "));
    check(study.run(), 1);
    check(study.run({"--retry-failed"}), 2);
}

TEST_CASE("what is wrong with a study is said before anything is trained") {
    const TinyStudy study;
    const auto refused = [&](const std::string& from, const std::string& to, const Words& parts) {
        study.write({quick, article});
        std::string text = text_of(study.at("study.toml"));
        REQUIRE(contains(text, from));
        text.replace(text.find(from), from.size(), to);
        write_file_atomically(study.at("study.toml"), text);
        const Outcome outcome = study.run({"--quiet"});
        CAPTURE(outcome.err);
        CHECK(outcome.code == 2);
        CHECK(is_error_line(outcome.err));
        for (const std::string& part : parts) CHECK(contains(outcome.err, part));
        CHECK_FALSE(fs::exists(study.at("out/quick-noise-0/recipe.toml")));
    };
    refused("seeds = 2", "seed = 2", {"study.toml:1: seed: no parameter", "did you mean \"seeds\"?"});
    refused("seeds = 2", "seeds = 0", {"study.toml:1: seeds: 0 is not a whole number from 1 to 1000"});
    refused("count = 40", "count = \"all\"", {"study.toml:2: count: \"all\" is not a whole number from 40"});
    refused("metrics = [\"fid\", \"kid\"]", "metrics = \"fid\"", {"study.toml:4: metrics: ", "a list of 1"});
    refused("name = \"quick\"", "name = \"a/b\"", {"study.toml:7: recipes.0.name: ", "a name of at most"});
    refused("name = \"quick\"", "name = \"article\"", {"study.toml:8: recipes.1.name: ", "is the name of"});
    refused("preset = ", "presets = ", {"study.toml:8: recipes.1.presets: no parameter"});
    refused("name = \"quick\"", "name = \"quick\", data = [\"nose\"]",
            {"study.toml:7: recipes.0.data: \"nose\" is no data set of the study; there are noise"});
    refused("steps=6", "seed=6", {"study.toml:7: recipes.0.set: the study sets seed itself"});
    refused("steps=6", "steps", {"study.toml:7: recipes.0.set: \"steps\" is not PATH=VALUE"});
    refused("name = \"quick\"", "name = \"quick\", recipe = \"none.toml\"",
            {"study.toml:7: recipes.0.recipe: there is no file none.toml"});
    refused("steps=60", "stepps=60", {"article-noise-0: ", "stepps", "did you mean"});
    refused("/data\"", "/dada\"", {"quick-noise-0: ", "/dada"});
    CHECK(duet_command({"study", study.at("none.toml")}).code == 2);

    // Scores are known once there are some; nothing is lost by a wrong name.
    study.write({quick}, "metrics = [\"fod\"]\n");
    const Outcome unknown = study.run({"--quiet"});
    CHECK(unknown.code == 2);
    CHECK(contains(unknown.err, "study.toml:4: metrics.0: no evaluation has \"fod\"; did you mean \"fid\"?"));
    study.write({quick}, "metrics = [\"fid\"]\n");
    CHECK(contains(study.run({"--table"}).out, "noise fid"));
}

TEST_CASE("a signal is passed on to the trainings, and the study goes on later") {
    const TinyStudy study;
    const std::string long_one =
        "{name = \"long\", seeds = 1, set = [\"steps=100000000\", \"batch=4\", "
        "\"output.sample_every=100000000\", "
        "\"output.keep_every=100\"]}";
    study.write({long_one});
    std::uint64_t step = 0;
    for (const int signal : {SIGINT, SIGTERM}) {
        Process process("duet", study.words(), study.setting());
        wait_for(checkpoint_of(study.at("out/long-noise-0"), (step / 100 + 1) * 100));
        process.send(signal);
        const Outcome outcome = process.wait(std::chrono::seconds(30));
        CAPTURE(outcome.err);
        CHECK(outcome.code == 128 + signal);
        CHECK(contains(outcome.out, "to go on: duet study"));
        CHECK(study.json("long-noise-0", "run.json")["state"] == "interrupted");
        CHECK(checkpoints_of(study.at("out/long-noise-0")).back() > step);
        step = checkpoints_of(study.at("out/long-noise-0")).back();
    }
    const Outcome table = study.run({"--table"});
    CHECK(contains(table.out, "0 of 1"));
    CHECK(contains(table.out, "Runs left: 1."));
}

TEST_CASE("studies that share a folder share its runs, and none is run twice") {
    const TinyStudy study;
    const Outcome alone = study.run({"--quiet"}, "alone");
    REQUIRE(alone.code == 0);
    Process first("duet", study.words({"--processes", "1"}), study.setting()),
        second("duet", study.words({"--processes", "2"}), study.setting());
    for (Process* process : {&first, &second}) {
        const Outcome outcome = process->wait();
        CAPTURE(outcome.err);
        CHECK(outcome.code == 0);
        CHECK(without_time(outcome.out) == without_time(alone.out));
    }
    check_once(study.at("out"));
}

TEST_CASE("the example for GNU parallel starts studies that share their runs") {
    const TinyStudy study;
    const std::string script = DUET_SOURCE_DIR "/docs/examples/study.parallel.sh";
    REQUIRE(fs::exists(script));
    if (std::system("parallel --version >/dev/null 2>&1") == 0) {
        const std::string command = fmt::format(
            "{} && PATH='{}/tools':$PATH sh '{}' '{}' '{}' 3 >'{}' 2>&1", study.setting(), DUET_BUILD_DIR,
            script, study.at("study.toml").string(), study.at("out").string(), study.at("said").string());
        CHECK(std::system(command.c_str()) == 0);
        CHECK(contains(text_of(study.at("said")), "noise fid"));
    } else {
        MESSAGE("left out: GNU parallel is not installed; what it would start is started without it");
        std::vector<std::unique_ptr<Process>> processes;
        for (int i = 0; i < 3; ++i)
            processes.push_back(std::make_unique<Process>(
                "duet", study.words({"--processes", "1", "--quiet"}), study.setting()));
        for (const auto& process : processes) CHECK(process->wait().code == 0);
    }
    check_once(study.at("out"));
}

namespace {

/// The processes that a process started and that still run.
std::vector<pid_t> children_of(pid_t parent) {
    std::vector<pid_t> children;
    for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
        const std::string name = entry.path().filename();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        std::ifstream file(entry.path() / "stat");
        std::string stat{std::istreambuf_iterator<char>(file), {}};
        std::istringstream fields(stat.substr(std::min(stat.rfind(')') + 1, stat.size())));
        std::string state;
        pid_t of = 0;
        if (fields >> state >> of && of == parent) children.push_back(std::stoi(name));
    }
    return children;
}

}  // namespace

TEST_CASE("a study killed at any moment, with its processes or without, ends in the same table") {
#ifdef DUET_SANITIZED
    constexpr std::size_t kills = 3;
    constexpr int latest = 3000;
#else
    constexpr std::size_t kills = 20;
    constexpr int latest = 500;
#endif
    const TinyStudy study;
    const Outcome whole = study.run({"--quiet"}, "whole");
    REQUIRE(whole.code == 0);
    std::mt19937 generator(15);
    std::uniform_int_distribution<int> moment(10, latest);
    std::size_t done = 0, ended = 0, children = 0;
    while (done < kills) {
        const std::string out = fmt::format("out-{}", ended++);
        for (;;) {
            Process process("duet", study.words({"--quiet"}, out),
                            fmt::format("export XDG_CACHE_HOME='{}'", study.at(out + "-cache").string()));
            std::vector<pid_t> started;
            if (done < kills) {
                std::this_thread::sleep_for(std::chrono::milliseconds(moment(generator)));
                if (done % 2 == 0) started = children_of(process.pid());
                process.send(SIGKILL);
                for (const pid_t child : started) ::kill(child, SIGKILL);
            }
            const Outcome outcome = process.wait();
            CAPTURE(outcome.err);
            if (outcome.code == 0) {
                CHECK(without_time(outcome.out) == without_time(whole.out));
                break;
            }
            REQUIRE(outcome.code == 128 + SIGKILL);
            children += started.size();
            ++done;
        }
        for (const char* run : {"quick-noise-0", "quick-noise-1", "article-noise-0", "article-noise-1"})
            CHECK(text_of(study.at(out) / run / "weights.safetensors") ==
                  text_of(study.at("whole") / run / "weights.safetensors"));
    }
    MESSAGE(done, " kills of a study and ", children, " of its processes, in ", ended, " studies");
}
