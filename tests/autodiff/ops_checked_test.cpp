#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include <duet/autodiff/gradient_check.hpp>

#include "op_cases.hpp"

using namespace duet;

namespace {

/// The base of each class declared with one, in the sources of a folder.
std::map<std::string, std::string> declared_bases(const std::filesystem::path& folder) {
    const std::regex declaration(
        R"((?:class|struct)\s+(\w+)\s*(?:final)?\s*:\s*(?:public\s+)?(?:duet::)?(\w+))");
    std::map<std::string, std::string> bases;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string extension = entry.path().extension();
        if (extension != ".cpp" && extension != ".hpp") continue;
        std::ifstream file(entry.path());
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        for (std::sregex_iterator match(text.begin(), text.end(), declaration), end; match != end; ++match)
            bases[(*match)[1]] = (*match)[2];
    }
    return bases;
}

/// The classes that derive from Op, directly or through others, and from which none derives in turn.
std::set<std::string> op_classes(const std::map<std::string, std::string>& bases) {
    const std::set<std::string> roots{"Op", "OpOf", "ElementwiseOp", "ElementwiseOf"};
    std::set<std::string> classes;
    for (const auto& [name, base] : bases) {
        std::string ancestor = base;
        for (std::size_t depth = 0; depth < bases.size() && bases.contains(ancestor); ++depth)
            ancestor = bases.at(ancestor);
        if (roots.contains(ancestor)) classes.insert(name);
    }
    for (const auto& [name, base] : bases) classes.erase(base);
    return classes;
}

}  // namespace

TEST_CASE("every op class has a row in the checker's table, and every row a class") {
    const std::set<std::string> classes = op_classes(declared_bases(DUET_SOURCE_DIR "/ops"));
    REQUIRE(classes.size() > 20);
    std::set<std::string> rows;
    for (const OpCase& row : op_cases()) rows.insert(row.op_class);
    for (const ExemptOp& exempt : exempt_ops()) {
        CHECK_MESSAGE(!rows.contains(exempt.op_class), exempt.op_class << " is both checked and exempt");
        CHECK_FALSE(exempt.reason.empty());
        rows.insert(exempt.op_class);
    }
    for (const ExemptOp& row : exempt_ops()) rows.insert(row.op_class);
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
