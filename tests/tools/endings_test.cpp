#include <signal.h>

#include <chrono>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <xtensor/xarray.hpp>

#include <duet/data/safetensors.hpp>

#include "run_support.hpp"

using namespace duet;
using namespace duet::testing;

namespace fs = std::filesystem;

TEST_CASE("every signal that announces an end keeps the run, and ends the process by it") {
    const Runs runs;
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU}) {
        CAPTURE(signal);
        ::signal(signal, SIG_DFL);  // one that nohup left out would stay ignored
        const fs::path run = runs[std::to_string(signal)];
        Process process("duet", runs.command(run, with(endless, {"--sample-every", "1000000"})));
        wait_for(run / "samples" / "step-000000.png");
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        process.send(signal);
        const Outcome outcome = process.wait();
        CAPTURE(outcome.err);
        CHECK(outcome.code == 128 + signal);
        CHECK(contains(outcome.out, "interrupted after"));
        CHECK(contains(outcome.out, "to go on: duet train"));
        CHECK(contains(outcome.err, "once more to abort"));
        const std::vector<std::uint64_t> steps = checkpoints_of(run);
        REQUIRE(steps.size() == 1);
        CHECK(read_safetensors(run / "weights.safetensors").tensors.size() == 12);
        CHECK(json_of(text_of(run / "run.json"))["state"] == "interrupted");
        const std::string more = std::to_string(steps.front() + 2);
        REQUIRE(runs.train(run, {"--sample-every", "1000000", "--steps", more}).code == 0);
        REQUIRE(runs.train(runs["whole"], {"--sample-every", "1000000", "--steps", more, "--restart"}).code ==
                0);
        check_same_run(run, runs["whole"], steps.front() + 2);
    }
}

TEST_CASE("a signal that was ignored stays ignored, and several at once end a run as one does") {
    const Runs runs;
    Process ignoring("duet", runs.command(runs["ignoring"], {"--steps", "400"}), "trap '' HUP");
    wait_for(runs["ignoring"] / "samples" / "step-000000.png");
    ignoring.send(SIGHUP);
    CHECK(ignoring.wait().code == 0);

    const fs::path run = runs["stopped"];
    Process stopped("duet", runs.command(run, with(endless, {"--checkpoint-every", "1"})));
    wait_for(run / "samples" / "step-000006.png");
    stopped.send(SIGSTOP);
    stopped.send(SIGINT);
    stopped.send(SIGTERM);
    stopped.send(SIGCONT);
    const Outcome outcome = stopped.wait();
    CHECK((outcome.code == 128 + SIGINT || outcome.code == 128 + SIGTERM));
    CHECK(contains(outcome.out, "interrupted after"));
    CHECK(fs::exists(run / "weights.safetensors"));
    CHECK(partials_below(run) == 0);
}

TEST_CASE("an answer that cannot be written is a failure") {
    const Runs runs;
    REQUIRE(runs.train(runs["run"], {"--steps", "2"}).code == 0);
    const std::vector<Words> questions = {
        {"--version"},        {"help"}, {"list"}, {"runs", runs.folder.path()}, {"verify", runs["run"]},
        {"info", runs["run"]}};
    for (const Words& question : questions) {
        CAPTURE(question.front());
        const Outcome outcome = Process("duet", question, "exec >/dev/full").wait();
        CHECK(outcome.code == 1);
        CHECK(is_error_line(outcome.err));
        CHECK(contains(outcome.err, "standard output"));
    }
}

TEST_CASE("output that nobody reads costs only the messages") {
    const Runs runs;
    for (const char* setting : {"exec 1>&- 2>&-",
                                "mkfifo \"$0.fifo.$$\"; exec 3<>\"$0.fifo.$$\" 1>\"$0.fifo.$$\" 2>&1 "
                                "3>&-; rm \"$0.fifo.$$\"; true"}) {
        const fs::path run = runs["run"];
        CHECK(Process("duet", runs.command(run, {"--steps", "200", "--restart"}), setting).wait().code == 0);
        CHECK(fs::exists(run / "weights.safetensors"));
    }
}

TEST_CASE("writes that fail end no training, and its exit code says whether the run was kept") {
    const Runs runs;
    const fs::path run = runs["run"];
    SUBCASE("no file may be larger than the pictures") {
        const Outcome outcome =
            Process("duet", runs.command(run, {"--steps", "9", "--checkpoint-every", "3"}), "ulimit -f 64")
                .wait();
        CAPTURE(outcome.err);
        CHECK(outcome.code == 1);
        CHECK(contains(outcome.err, "duet: warning: no checkpoint is written: "));
        CHECK(contains(outcome.err, "duet: warning: the weights are not written: "));
        CHECK(contains(outcome.err, "duet: error: the run in"));
        CHECK(fs::exists(run / "samples" / "step-000009.png"));
        CHECK(contains(text_of(run / "metrics.csv"), "\n8,"));
        CHECK(json_of(text_of(run / "run.json"))["state"] == "failed");
        CHECK(partials_below(run) == 0);
        CHECK(runs.train(run, {"--steps", "9"}).code == 0);
        CHECK(runs.train(runs["whole"], {"--steps", "9"}).code == 0);
        check_same_run(run, runs["whole"], 9);
    }
    SUBCASE("strangers among the sample pictures") {
        REQUIRE(runs.train(run, {"--steps", "3"}).code == 0);
        write_bytes(run / "samples" / "step-000001.png", {'n', 'o'});
        write_bytes(run / "samples" / "notes.txt", {'n', 'o'});
        const Outcome outcome = runs.train(run, {"--steps", "6"});
        CHECK(outcome.code == 0);
        CHECK(contains(outcome.err, "duet: warning: progress.gif leaves out a picture: "));
        CHECK(contains(outcome.err, "step-000001.png"));
        CHECK(fs::exists(run / "samples" / "notes.txt"));
    }
    SUBCASE("a folder in the place of a picture and of the weights") {
        Process process("duet", runs.command(run, {"--steps", "30000", "--sample-every", "10000",
                                                   "--checkpoint-every", "30000"}));
        wait_for(run / "samples" / "step-000000.png");
        fs::create_directories(run / "samples" / "step-010000.png");
        fs::create_directories(run / "weights.safetensors");
        const Outcome outcome = process.wait();
        CAPTURE(outcome.err);
        CHECK(outcome.code == 1);
        CHECK(contains(outcome.err, "duet: warning: no picture is drawn: "));
        CHECK(fs::exists(run / "samples" / "step-030000.png"));
        CHECK(checkpoints_of(run) == std::vector<std::uint64_t>{30000});
    }
}

TEST_CASE("a time limit ends a run with a checkpoint, exit 0 and the way to go on") {
    const Runs runs;
    const Outcome outcome = runs.train(runs["run"], with(endless, {"--time-limit", "1s"}));
    CHECK(outcome.code == 0);
    CHECK(contains(outcome.out, "stopped at the time limit after"));
    CHECK(contains(outcome.out, fmt::format("to go on: duet train {} --out {}",
                                            (runs["run"] / "recipe.toml").string(), runs["run"].string())));
    CHECK(checkpoints_of(runs["run"]).size() == 1);
    CHECK(contains(runs.train(runs["bad"], {"--time-limit", "soon"}).err, "\"soon\" is no time"));
    CHECK_FALSE(fs::exists(runs["bad"]));
}

TEST_CASE("descriptors that are closed do not become a run's files") {
    const Runs runs;
    const fs::path run = runs["run"];
    CHECK(Process("duet", runs.command(run, {"--steps", "30"}), "exec 0<&- 1>&- 2>&-").wait().code == 0);
    CHECK(fs::file_size(run / ".duet-run") == 0);
    CHECK_FALSE(contains(text_of(run / "metrics.csv"), "finished"));
    CHECK(duet_command({"verify", run}).code == 0);
    CHECK(fs::exists(run / "curves.png"));
}

TEST_CASE("a run's folder that is moved away meanwhile is not written to, nor what comes in its place") {
    const Runs runs;
    Process process("duet", runs.command(runs["run"], {"--steps", "40000", "--sample-every", "5000"}));
    wait_for(runs["run"] / "samples" / "step-000000.png");
    fs::rename(runs["run"], runs["moved"]);
    const Outcome outcome = process.wait();
    CAPTURE(outcome.err);
    CHECK(outcome.code == 1);
    CHECK(contains(outcome.err, "is not the one any more in which the run began"));
    CHECK_FALSE(fs::exists(runs["run"]));
    CHECK_FALSE(fs::exists(runs["moved"] / "weights.safetensors"));
}
