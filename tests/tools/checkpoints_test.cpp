#include <signal.h>

#include <chrono>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/models/training/checkpoint.hpp>

#include "run_support.hpp"

using namespace duet;
using namespace duet::testing;

namespace fs = std::filesystem;

TEST_CASE("a damaged checkpoint is passed over for the one before, with the same bits at the end") {
    const Runs runs;
    const Words steps = {"--steps", "9", "--checkpoint-every", "3"};
    REQUIRE(runs.train(runs["whole"], steps).code == 0);
    REQUIRE(runs.train(runs["run"], {"--steps", "6", "--checkpoint-every", "3"}).code == 0);
    REQUIRE(checkpoints_of(runs["run"]) == std::vector<std::uint64_t>{3, 6});
    const fs::path last = checkpoint_of(runs["run"], 6);
    const Bytes good = read_file(last);
    Bytes bad = good;
    SUBCASE("one bit of a value") {
        bad[bad.size() - 1000] ^= 1;
    }
    SUBCASE("one letter of a note") {
        const std::string text(bad.begin(), bad.end());
        bad[text.find("next_draw") + 12] ^= 1;
    }
    SUBCASE("cut short") {
        bad.resize(bad.size() / 2);
    }
    SUBCASE("empty") {
        bad.clear();
    }
    write_bytes(last, bad);
    const Outcome outcome = runs.train(runs["run"], steps);
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    CHECK(contains(outcome.err, last.string()));
    CHECK(contains(outcome.err, "the one before it is used"));
    CHECK(contains(outcome.out, "from step 3"));
    check_same_run(runs["run"], runs["whole"], 9);
}

TEST_CASE("a checkpoint of another version goes on with a warning, one of another schema is refused") {
    const Runs runs;
    REQUIRE(runs.train(runs["run"], {"--steps", "3"}).code == 0);
    const fs::path last = checkpoint_of(runs["run"], 3);
    models::Checkpoint checkpoint = models::read_checkpoint(last);
    models::State state;
    for (const NamedArray& tensor : checkpoint.state.tensors)
        state.keep({Variable(tensor.name, tensor.value)});
    state.restore(checkpoint.state);
    checkpoint.notes.version = "9.9";
    write_checkpoint(last, models::Snapshot(state), checkpoint.notes);
    const Outcome newer = runs.train(runs["run"], {"--steps", "4"});
    CHECK(newer.code == 0);
    CHECK(contains(newer.err, "begun by Duet 9.9"));

    const fs::path file = checkpoint_of(runs["run"], 4);
    Safetensors other = read_safetensors(file);
    other.metadata["schema"] = "2";
    Bytes bytes = encode_safetensors(other);
    // The checksum is of a file that is whole.
    try {
        models::parse_checkpoint(view(bytes), "x");
    } catch (const FileError& error) {
        const std::string message = error.what();
        other.metadata["crc32"] = message.substr(message.rfind(' ') + 1);
    }
    write_bytes(file, encode_safetensors(other));
    const Outcome refused = runs.train(runs["run"], {"--steps", "5"});
    CHECK(refused.code == 2);
    CHECK(contains(refused.err, "schema 2; this Duet reads schema 1"));
}

TEST_CASE("the last two checkpoints are kept, those of --keep-every, and the best") {
    const Runs runs;
    REQUIRE(runs.train(runs["run"], {"--steps", "9", "--checkpoint-every", "1", "--keep-every", "4", "--set",
                                     "output.best=generator_loss", "--log-every", "1"})
                .code == 0);
    const fs::path best = runs["run"] / "checkpoints" / "best.safetensors";
    REQUIRE(fs::exists(best));
    const models::Checkpoint kept = models::read_checkpoint(best);
    double lowest = 1e9;
    std::uint64_t at = 0;
    const std::string metrics = text_of(runs["run"] / "metrics.csv");
    for (std::size_t begin = metrics.find('\n') + 1; begin < metrics.size();
         begin = metrics.find('\n', begin) + 1) {
        const std::string row = metrics.substr(begin, metrics.find('\n', begin) - begin);
        const double loss = std::stod(row.substr(row.rfind(',') + 1));
        if (loss < lowest) {
            lowest = loss;
            at = std::stoull(row);
        }
    }
    CHECK(models::position_in(kept.state.metadata).step == at);
    CHECK(*kept.notes.best == doctest::Approx(lowest));
    CHECK(checkpoints_of(runs["run"]) == std::vector<std::uint64_t>{4, 8, 9});
    const Outcome unknown = runs.train(runs["other"], {"--set", "output.best=fid"});
    CHECK(unknown.code == 2);
    CHECK(contains(unknown.err, "no metric is called"));
    CHECK_FALSE(fs::exists(runs["other"]));
}

TEST_CASE("a run whose checkpoints cannot be read is refused and left as it is") {
    const Runs runs;
    const fs::path run = runs["run"];
    REQUIRE(runs.train(run, {"--steps", "3"}).code == 0);
    const std::string metrics = text_of(run / "metrics.csv");
    write_bytes(checkpoint_of(run, 3), {'n', 'o'});
    const Outcome refused = runs.train(run, {"--steps", "6"});
    CHECK(refused.code == 2);
    CHECK(is_error_line(refused.err));
    CHECK(contains(refused.err, "no checkpoint of the run is whole"));
    CHECK(text_of(run / "metrics.csv") == metrics);
    CHECK(fs::exists(checkpoint_of(run, 3)));
    CHECK(fs::exists(run / "samples" / "step-000003.png"));
}

TEST_CASE("checkpoints to keep are made when they are due, and strangers stay") {
    const Runs runs;
    const fs::path run = runs["run"];
    REQUIRE(runs.train(run, {"--steps", "3", "--keep-every", "2"}).code == 0);
    CHECK(checkpoints_of(run) == std::vector<std::uint64_t>{2, 3});
    write_bytes(run / "samples" / "step-9.png", {'x'});
    write_bytes(run / "checkpoints" / "step-9.safetensors", {'x'});
    fs::create_directories(run / "samples" / "step-000009.png" / "x");
    const Outcome outcome = runs.train(run, {"--steps", "7", "--keep-every", "2"});
    CAPTURE(outcome.err);
    CHECK(outcome.code == 0);
    CHECK(fs::exists(run / "samples" / "step-9.png"));
    CHECK(fs::exists(run / "checkpoints" / "step-9.safetensors"));
    CHECK(fs::exists(run / "samples" / "step-000009.png" / "x"));
}

TEST_CASE("checkpoints that were kept stay when a run goes on with others to keep") {
    const Runs runs;
    const fs::path run = runs["run"];
    REQUIRE(runs.train(run, {"--steps", "6", "--keep-every", "2"}).code == 0);
    REQUIRE(checkpoints_of(run) == std::vector<std::uint64_t>{2, 4, 6});
    REQUIRE(runs.train(run, {"--steps", "7"}).code == 0);
    CHECK(checkpoints_of(run) == std::vector<std::uint64_t>{2, 4, 6, 7});
    // One of no number to keep, as a kill leaves it between a checkpoint and the removal of another.
    fs::copy_file(checkpoint_of(run, 7), runs["seven"]);
    REQUIRE(runs.train(run, {"--steps", "9", "--checkpoint-every", "1"}).code == 0);
    CHECK(checkpoints_of(run) == std::vector<std::uint64_t>{2, 4, 6, 8, 9});
    fs::copy_file(runs["seven"], checkpoint_of(run, 7));
    REQUIRE(runs.train(run, {"--steps", "12", "--keep-every", "5"}).code == 0);
    CHECK(checkpoints_of(run) == std::vector<std::uint64_t>{2, 4, 6, 10, 12});
}

TEST_CASE("the best checkpoint is looked for anew when another metric decides") {
    const Runs runs;
    const auto best_by = [](const char* metric) {
        return Words{"--checkpoint-every", "1", "--set", fmt::format("output.best={}", metric)};
    };
    const fs::path run = runs["run"], best = run / "checkpoints" / "best.safetensors";
    // R1 is far below every loss.
    REQUIRE(runs.train(run, with(best_by("r1"), {"--steps", "4"})).code == 0);
    REQUIRE(runs.train(run, with(best_by("generator_loss"), {"--steps", "6"})).code == 0);
    const double lowest = *models::read_checkpoint(best).notes.best;
    CHECK(models::position_in(models::read_checkpoint(best).state.metadata).step > 4);
    REQUIRE(runs.train(run, with(best_by("generator_loss"), {"--steps", "8"})).code == 0);
    CHECK(*models::read_checkpoint(best).notes.best <= lowest);
    // One that was never said to be the best of anything.
    REQUIRE(runs.train(runs["plain"], {"--steps", "3"}).code == 0);
    fs::copy_file(checkpoint_of(runs["plain"], 3), runs["plain"] / "checkpoints" / "best.safetensors");
    CHECK(runs.train(runs["plain"], with(best_by("r1"), {"--steps", "4"})).code == 0);
}

TEST_CASE("a run that ended and whose checkpoints are gone is refused and left as it is") {
    const Runs runs;
    const fs::path run = runs["run"];
    REQUIRE(runs.train(run, {"--steps", "3"}).code == 0);
    const std::string metrics = text_of(run / "metrics.csv");
    fs::remove(checkpoint_of(run, 3));
    CHECK(contains(runs.train(run, {"--steps", "3"}).out, "nothing is left to do"));
    const Outcome refused = runs.train(run, {"--steps", "6"});
    CHECK(refused.code == 2);
    CHECK(is_error_line(refused.err));
    CHECK(contains(refused.err, "no checkpoint to go on from"));
    CHECK(text_of(run / "metrics.csv") == metrics);
    CHECK(fs::exists(run / "samples" / "step-000003.png"));
    const Outcome further =
        runs.train(runs["further"], {"--steps", "3", "--init", run / "weights.safetensors"});
    CHECK(further.code == 0);
    CHECK(runs.train(run, {"--steps", "3", "--restart"}).code == 0);
}

TEST_CASE("weights are of the end of a run, and a run that failed begins anew however often it is killed") {
    const Runs runs;
    const fs::path run = runs["run"], weights = run / "weights.safetensors";
    const Words diverging = with(endless, {"--rate", "1e30"});
    CHECK(runs.train(run, diverging).code == 1);
    REQUIRE(fs::exists(weights));
    REQUIRE(checkpoints_of(run).empty());
    for (int milliseconds = 5; milliseconds < 80; milliseconds += 5) {
        CAPTURE(milliseconds);
        Process again("duet", runs.command(run, diverging));
        std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
        again.send(SIGKILL);
        const int code = again.wait().code;
        CHECK((code == 1 || code == 128 + SIGKILL));
    }
    CHECK(runs.train(run, diverging).code == 1);

    REQUIRE(runs.train(runs["more"], {"--steps", "3"}).code == 0);
    Process more("duet", runs.command(runs["more"], with(endless, {"--checkpoint-every", "1"})));
    wait_for(checkpoint_of(runs["more"], 5));
    more.send(SIGKILL);
    CHECK(more.wait().code == 128 + SIGKILL);
    CHECK_FALSE(fs::exists(runs["more"] / "weights.safetensors"));
    const Outcome drawn = duet_command({"sample", "--weights", runs["more"], "--out", runs["x.png"]});
    CHECK(drawn.code == 0);
}
