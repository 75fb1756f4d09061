#include <doctest/doctest.h>
#include <xtensor/xarray.hpp>

#include <duet/models/weights.hpp>

#include "../models/pair.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace fs = std::filesystem;

TEST_CASE("the classifier reads the held back digits, and a generator of one image fails") {
    const std::string digits = fs::path(DUET_SOURCE_DIR) / "data" / "mnist";
    const TemporaryFolder folder;
    const fs::path weights = folder.path() / "weights.safetensors";
    const models::Model collapsed = make_gan({}, 0);
    for (const Variable& variable : collapsed.generator().variables())
        variable.assign(filled(variable.shape(), 0.0f));
    save_pair(collapsed, {}, weights);
    const Outcome outcome = Process("check-digits", {"--data", digits, "--weights", weights}).wait();
    CAPTURE(outcome.out);
    CAPTURE(outcome.err);
    CHECK(outcome.code == 1);
    CHECK(contains(outcome.out, "held back digits, at least 94 % needed: passes"));
    CHECK(contains(outcome.out, "\n  fails: "));
}
