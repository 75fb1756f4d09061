#include <set>
#include <string>

#include <doctest/doctest.h>

#include <duet/autodiff/gradient_check.hpp>

#include "op_cases.hpp"
#include "op_sources.hpp"

using namespace duet;

TEST_CASE("every op class has a row in the checker's table, and every row a class") {
    std::set<std::string> classes;
    for (const OpSource& op : op_sources_in(DUET_SOURCE_DIR "/ops"))
        if (!op.is_base) classes.insert(op.name);
    REQUIRE(classes.size() > 20);
    std::set<std::string> rows;
    for (const OpCase& row : op_cases()) rows.insert(row.op_class);
    for (const ExemptOp& exempt : exempt_ops()) {
        CHECK_MESSAGE(!rows.contains(exempt.op_class), exempt.op_class << " is both checked and exempt");
        CHECK_FALSE(exempt.reason.empty());
        rows.insert(exempt.op_class);
    }
    for (const std::string& name : classes)
        CHECK_MESSAGE(rows.contains(name), name << " has no row in tests/autodiff/op_cases.cpp");
    for (const std::string& name : rows)
        CHECK_MESSAGE(classes.contains(name),
                      name << " has a row in tests/autodiff/op_cases.cpp but no class in ops/");
}

TEST_CASE("gradients of every op are right to second order") {
    for (const OpCase& row : op_cases()) {
        for (std::uint64_t seed = 0; seed < 3; ++seed) {
            const GradientCheckReport report =
                check_gradients(row.build, row.input_shapes, row.low, row.high, {.seed = seed});
            CHECK_MESSAGE(report.passed, row.name << ": " << report.message);
            CHECK_MESSAGE(report.comparisons > 0, row.name << " has no gradient path to check");
        }
    }
}
