#include <doctest/doctest.h>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace fs = std::filesystem;

TEST_CASE("every command explains itself") {
    const Outcome all = duet_command({"--help"});
    CHECK(all.code == 0);
    for (const char* command : {"train", "sample", "inspect", "compare", "export"}) {
        CHECK(contains(all.out, command));
        const Outcome one = duet_command({command, "--help"});
        CHECK(one.code == 0);
        CHECK(one.err.empty());
        CHECK(contains(one.out, "--out"));
    }
    const Outcome train = duet_command({"train", "--help"});
    for (const char* option :
         {"--model", "--data", "--steps", "--epochs", "--batch", "--seed", "--threads", "--loss",
          "--schedule", "--penalty", "--penalty-weight", "--init", "--out", "--preset"})
        CHECK(contains(train.out, option));
    const Outcome version = duet_command({"--version"});
    CHECK(version.code == 0);
    CHECK(version.out.starts_with("duet 0."));
}

TEST_CASE("duet inspect prints the programs of a step") {
    const Outcome text = duet_command({"inspect", "--schedule", "documented", "--dump-passes", "--measure"});
    CAPTURE(text.err);
    REQUIRE(text.code == 0);
    CHECK(contains(text.out, "# discriminator and generator\n"));
    CHECK(contains(text.out, "# generator\n"));
    CHECK(contains(text.out, "matmul"));
    CHECK(contains(text.out, "r1"));
    CHECK(contains(text.out, "instructions"));
    CHECK(contains(text.out, "separate updates"));
    CHECK(contains(text.out, "predicted us"));

    const TemporaryFolder folder;
    const fs::path out = folder.path() / "step.dot";
    const Outcome dot = duet_command({"inspect", "--format", "dot", "--schedule", "alternating", "--penalty",
                                      "none", "--batch", "16", "--out", out});
    REQUIRE(dot.code == 0);
    CHECK(dot.out.empty());
    CHECK(text_of(out).starts_with("// discriminator\ndigraph"));
}

TEST_CASE("duet inspect warns of what works against itself") {
    const Outcome outcome =
        duet_command({"inspect", "--model", "dcgan", "--penalty", "r1", "--batch", "4", "--side", "16"});
    CHECK(outcome.code == 0);
    CHECK(contains(outcome.err, "duet: warning: penalties.0: r1 holds the gradient of each score"));
}

TEST_CASE("duet inspect compares the compiled step with the declared one") {
    const Outcome outcome = duet_command({"inspect", "--verify", "2", "--batch", "8"});
    CAPTURE(outcome.err);
    CHECK(outcome.code == 0);
    CHECK(contains(outcome.out, "generator_adam.square.generator.4.bias "));
    CHECK(contains(outcome.out, "same bits"));
    CHECK_FALSE(contains(outcome.out, "DIFFERS"));
}
