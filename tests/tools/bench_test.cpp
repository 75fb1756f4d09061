#include <doctest/doctest.h>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

TEST_CASE("duet bench dirac prints the table of docs/stability.md") {
    const Outcome outcome = duet_command({"bench", "dirac"});
    CHECK(outcome.code == 0);
    CHECK(outcome.err.empty());
    CHECK(outcome.out.starts_with("update "));
    CHECK(contains(outcome.out, "converges\n"));
    CHECK(contains(text_of(DUET_SOURCE_DIR "/docs/stability.md"), "```text\n" + outcome.out + "```\n"));
}

TEST_CASE("duet bench refuses what is no benchmark") {
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"bench"}, {"bench", "dirak"}, {"bench", "dirac", "more"}}) {
        const Outcome outcome = duet_command(arguments);
        CHECK(outcome.code == 2);
        CHECK(is_error_line(outcome.err));
        CHECK(outcome.out.empty());
    }
    CHECK(contains(duet_command({"bench", "dirak"}).err, "did you mean dirac?"));
}
