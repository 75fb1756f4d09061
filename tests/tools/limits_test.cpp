#ifdef __linux__
#include <sched.h>
#endif

#include <doctest/doctest.h>

#include <duet/data/png.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace fs = std::filesystem;

namespace {

constexpr auto patience = std::chrono::seconds(30);

struct Training {
    Training() { write_images(data, 40, 28); }

    /// `duet train` after a shell's `setting`.
    Outcome under(const std::string& setting, const std::vector<std::string>& more = {}) const {
        std::vector<std::string> arguments = {"train", "--data", data, "--out", folder.path() / "run"};
        arguments.insert(arguments.end(), {"--steps", "2", "--batch", "16"});
        arguments.insert(arguments.end(), more.begin(), more.end());
        return Process("duet", arguments, setting).wait(patience);
    }

    TemporaryFolder folder;
    fs::path data = folder.path() / "data";
};

}  // namespace

// A sanitizer takes more memory than any limit, and more of a stack.
#ifndef DUET_SANITIZED

TEST_CASE("duet ends in any amount of memory, trained or with one line that says so") {
    const Training training;
    bool lacked = false, trained = false;
    for (int megabytes = 30; megabytes <= 150; megabytes += 10) {
        CAPTURE(megabytes);
        const std::string setting = "ulimit -v " + std::to_string(1000 * megabytes);
        const Outcome version = Process("duet", {"--version"}, setting).wait(patience);
        CHECK(version.code == 0);
        CHECK(version.out.starts_with("duet "));
        for (const char* model : {"mlp", "dcgan"}) {
            CAPTURE(model);
            const Outcome outcome = training.under(setting, {"--model", model, "--restart"});
            CAPTURE(outcome.err);
            CHECK(outcome.code >= 0);
            CHECK(outcome.code <= 2);
            CHECK((outcome.code == 0) != contains(outcome.err, "duet: error: "));
            (outcome.code == 0 ? trained : lacked) = true;
        }
    }
    CHECK(lacked);
    CHECK(trained);
}

TEST_CASE("no memory is taken for pictures that a folder cannot hold") {
    const TemporaryFolder folder;
    const fs::path data = folder.path() / "data", nothing = folder.path() / "nothing";
    fs::create_directory(data);
    constexpr std::size_t side = 4000;
    write_png(data / "0.png", {side, side, 1, Bytes(side * side)});
    write_file_atomically(nothing, std::string_view("GIF89a"));
    for (int i = 1; i < 900; ++i) fs::create_symlink(nothing, data / ("1" + std::to_string(i) + ".png"));
    const Outcome outcome =
        Process("duet", {"train", "--data", data, "--out", folder.path() / "run"}, "ulimit -v 500000")
            .wait(patience);
    CHECK(outcome.code == 2);
    CHECK(contains(outcome.err, "1.png: not a PNG file"));
}

TEST_CASE("duet trains on small stacks") {
    const Training training;
    for (const char* model : {"mlp", "dcgan"})
        CHECK(training.under("ulimit -s 128", {"--model", model, "--threads", "2", "--restart"}).code == 0);
}

TEST_CASE("duet says that it works with fewer threads where the system starts no more") {
    const Training training;
    // Room for one stack, that of one thread beside the first.
    const Outcome outcome = training.under("ulimit -s 1000000 && ulimit -v 1500000", {"--threads", "4"});
    CHECK(outcome.code == 0);
    CHECK(contains(outcome.err, "duet: warning: works with 2 of 4 threads"));
}

#endif

#ifdef __linux__

TEST_CASE("duet works with as many threads as there are processors for, and warns of more") {
    cpu_set_t allowed, one;
    REQUIRE(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
    const Training training;
    const Outcome usual = training.under("true"), more = training.under("true", {"--threads", "2"});
    CHECK(sched_setaffinity(0, sizeof allowed, &allowed) == 0);
    CHECK(usual.code == 0);
    CHECK_FALSE(contains(usual.err, "warning"));
    CHECK(more.code == 0);
    CHECK(
        contains(more.err, "duet: warning: 2 threads share 1 processor, which is slower than --threads 1\n"));
}

#endif
