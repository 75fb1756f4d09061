#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "run_support.hpp"

using namespace duet;
using namespace duet::testing;

namespace fs = std::filesystem;

// A sanitizer's own calls are in the way of a library that is loaded first.
#ifndef DUET_SANITIZED

namespace {

/// Kills to try: a few, or as many as DUET_KILLS says.
std::size_t kills() {
    const char* text = std::getenv("DUET_KILLS");
    return text == nullptr ? 20 : std::stoul(text);
}

/// What a shell does so that a command loads end_at.cpp, with one of its variables set.
std::string loading_end_at(const std::string& variable) {
    const std::string library = std::string(DUET_BUILD_DIR) + "/tests/tools/libend_at.so";
    REQUIRE(fs::exists(library));
    return fmt::format("export LD_PRELOAD='{}' {}", library, variable);
}

}  // namespace

TEST_CASE("a run killed at any write, sync or rename of a checkpoint goes on to the same bits") {
    const Runs runs;
    const Words steps = {"--steps", "12", "--checkpoint-every", "4"};
    REQUIRE(runs.train(runs["whole"], steps).code == 0);
    int calls = 0;
    for (int at = 1;; ++at) {
        CAPTURE(at);
        const fs::path run = runs[fmt::format("run-{}", at)];
        const std::string setting = loading_end_at(fmt::format("DUET_END_AT={}", at));
        const Outcome killed = Process("duet", runs.command(run, steps), setting).wait();
        if (killed.code == 0) break;
        REQUIRE(killed.code == 128 + SIGKILL);
        calls = at;
        const std::vector<std::uint64_t> there =
            checkpoints_of(run).empty() ? std::vector<std::uint64_t>{0} : checkpoints_of(run);
        const Outcome rest = runs.train(run, steps);
        CAPTURE(rest.err);
        REQUIRE(rest.code == 0);
        CHECK_FALSE(contains(rest.err, "warning"));
        if (there.back() > 0) CHECK(contains(rest.out, fmt::format("from step {}\n", there.back())));
        check_same_run(run, runs["whole"], 12);
    }
    // Each checkpoint is one write, its sync, the rename and the folder's sync.
    CHECK(calls >= 3 * 4);
}

TEST_CASE("a checkpoint in new folders is synced before it has its name, and every name above it") {
    const Runs runs;
    const fs::path above = fs::canonical(runs.folder.path());
    const fs::path run = above / "new" / "folders" / "run";
    const fs::path log = above / "calls";
    const std::string setting = loading_end_at(fmt::format("DUET_CALLS_TO='{}'", log.string()));
    REQUIRE(Process("duet", runs.command(run, {"--steps", "4"}), setting).wait().code == 0);

    const std::string calls = text_of(log);
    const auto place_of = [&](const std::string& call, std::size_t from = 0) {
        const std::size_t place = calls.find(call, from);
        CHECK_MESSAGE(place != std::string::npos, call);
        return place;
    };
    const std::string checkpoints = (run / "checkpoints").string();
    const std::size_t renamed = place_of("rename " + checkpoint_of(run, 4).string() + "\n");
    for (const fs::path& folder : {above, above / "new", above / "new" / "folders", run})
        CHECK(place_of("sync " + folder.string() + "\n") < renamed);
    CHECK(place_of("sync " + checkpoints + "/.duet-") < renamed);
    place_of("sync " + checkpoints + "\n", renamed);
}

TEST_CASE("a run killed at any moment goes on to the same bits") {
    const Runs runs;
    const Words steps = {"--steps",        "4000", "--checkpoint-every", "25",
                         "--sample-every", "500",  "--log-every",        "10"};
    REQUIRE(runs.train(runs["whole"], steps).code == 0);
    std::mt19937 generator(14);
    std::uniform_int_distribution<int> moment(20, 400);
    std::size_t done = 0, ended = 0;
    while (done < kills()) {
        const fs::path run = runs[fmt::format("run-{}", ended++)];
        for (;;) {
            Process process("duet", runs.command(run, steps));
            std::this_thread::sleep_for(std::chrono::milliseconds(moment(generator)));
            process.send(SIGKILL);
            const Outcome outcome = process.wait();
            if (outcome.code == 0) break;
            REQUIRE(outcome.code == 128 + SIGKILL);
            ++done;
        }
        check_same_run(run, runs["whole"], 4000);
        fs::remove_all(run);
    }
    MESSAGE(done, " kills in ", ended, " runs");
}

#endif
