#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include <xtensor/xarray.hpp>

#include <duet/graph/compiler/passes.hpp>
#include <duet/graph/runtime/machine_code.hpp>

#include "op_cases.hpp"
#include "op_sources.hpp"
#include "planted_ops.hpp"
#include "promise_survey.hpp"

using namespace duet;

namespace {

/// Of all ops that rows build; made once.
const PromiseSurvey& survey_of_all() {
    static const PromiseSurvey survey = [] {
        PromiseSurvey all;
        for (const OpCase& row : op_cases()) all.check(row, {});
        for (const OpCase& row : tiled_cases()) all.check(row, {.order = 1, .failures = false});
        return all;
    }();
    return survey;
}

template <class Holds>
bool any_surveyed(const Holds& holds) {
    const std::vector<SurveyedOp>& ops = survey_of_all().ops();
    return std::any_of(ops.begin(), ops.end(), holds);
}

/// True if an op of the class has been checked whose attributes have each of some parts.
bool surveyed(const std::string& op_class, const std::vector<std::string>& parts) {
    return any_surveyed([&](const SurveyedOp& op) {
        return op.op_class == op_class &&
               std::all_of(parts.begin(), parts.end(), [&](const std::string& part) {
                   return op.attributes.find(part) != std::string::npos;
               });
    });
}

/// Fields of attributes that no two nodes with inputs of the same shapes differ in alone, and why none need
/// to.
const std::map<std::string, std::string>& fields_that_follow() {
    const std::string inputs = "it decides what the inputs are", shapes = "it follows from the shapes",
                      other = "it decides which fields there are",
                      permutation = "two places of a permutation differ at least",
                      padding = "panels are the same for any, so it only keeps some from being shared";
    static const std::map<std::string, std::string> fields = {
        {"AddAt shape[0]", shapes},
        {"AddAt shape[1]", shapes},
        {"ArrangeOperand arranged", "it is for what is not arranged yet"},
        {"ArrangeOperand for", other},
        {"ArrangeOperand output_padding[0]", padding},
        {"ArrangeOperand output_padding[1]", padding},
        {"ChannelAffine accumulate", inputs},
        {"ChannelAffine shifts", inputs},
        {"Conv2d groups", shapes},
        {"Transpose axes[0]", permutation},
        {"Transpose axes[1]", permutation},
    };
    return fields;
}

/// Members of op classes that attributes() does not name, and why it need not.
const std::map<std::string, std::string>& members_that_follow() {
    const std::string purpose = "the convolution that it stands for names it",
                      draw = "a draw is never merged", node = "it never becomes a node";
    static const std::map<std::string, std::string> members = {
        {"ArrangeOperand geometry_", purpose},
        {"ArrangeOperand pass_", purpose},
        {"ArrangeOperand transforms_", purpose},
        {"Rejection name_", node},
        {"Rejection rule_", node},
        {"RandomOp shape_", draw},
    };
    return members;
}

/// Members of Op that promise nothing that can be checked of values, and where they are checked.
const std::map<std::string, std::string>& other_members() {
    static const std::map<std::string, std::string> members = {
        {"name", "it is for messages"},
        {"gradient", "by differences, in ops_checked_test.cpp"},
        {"differentiable", "the same"},
        {"accepts_epilogue", "with region"},
        {"run", "by all others"},
        {"block", "with elementwise"},
        {"block_with_scalar", "with takes_scalar"},
        {"flops_per_element", "with flops"},
    };
    return members;
}

}  // namespace

TEST_CASE("every op keeps what it promises the compiler") {
    const PromiseReport& report = survey_of_all().report();
    std::size_t checked = 0;
    for (const auto& [promise, times] : report.checked) checked += times;
    MESSAGE(checked << " promises of " << survey_of_all().ops().size() << " ops checked");
    for (const BrokenPromise& broken : report.broken) FAIL_CHECK(broken.promise << ": " << broken.how);
}

TEST_CASE("the promises of every op class are checked, and of all that it offers the compiler instead") {
    for (const OpSource& source : op_sources_in(DUET_SOURCE_DIR "/ops")) {
        if (source.is_base || source.name == "Rejection") continue;
        CHECK_MESSAGE(surveyed(source.name, {}), source.name << " has been made by no row");
        for (const std::string& rewrite : source.rewrites)
            CHECK_MESSAGE(any_surveyed([&](const SurveyedOp& op) {
                              return op.rewrite == rewrite && op.stands_for == source.name;
                          }),
                          rewrite << " of " << source.name << " has been asked by no row that it answers");
    }
    for (const std::string transposed : {"transpose_a=false", "transpose_a=true"})
        for (const std::string accumulating : {"accumulate=false", "accumulate=true"})
            CHECK_MESSAGE(surveyed("PanelMatMul", {transposed, accumulating}),
                          "PanelMatMul " << transposed << " " << accumulating);
    for (const std::string convolution : {"conv2d", "conv_transpose2d", "conv2d_weight_gradient"})
        for (const std::string arranged : {"panels", "values at points"})
            CHECK_MESSAGE(any_surveyed([&](const SurveyedOp& op) {
                              return op.op_class == "ArrangeOperand" &&
                                     op.attributes.starts_with("for=" + convolution + ",") &&
                                     (op.inputs[0] == op.output) == (arranged == "panels");
                          }),
                          arranged << " for " << convolution);
}

TEST_CASE_TEMPLATE("the copy that the compiler makes of a value for an update keeps its promises", T, float,
                   double) {
    Graph graph;
    const Variable weight("weight", filled(Shape{40}, 1.0F));
    const Plan plan = separate_updates(extract(graph, {}, {{{weight, graph.read(weight), {}}}}, {}, false));
    const std::shared_ptr<const Op> copy = plan.nodes.back().op;
    REQUIRE(copy->name() == "copy");
    PromiseReport report = check_kernel(AppliedOp<T>{copy, {{40}}, {40}, {std::vector<T>(40, T(0.5))}});
    report.add(check_blocks<T>(copy, 1), "blocks");
    for (const BrokenPromise& broken : report.broken) FAIL_CHECK(broken.promise << ": " << broken.how);
}

TEST_CASE("the promises of every op class are checked in several tiles") {
    std::map<std::string, std::size_t> most;
    for (const SurveyedOp& op : survey_of_all().ops()) {
        std::size_t& tiles = most[op.is_elementwise ? "elementwise ops" : op.op_class];
        tiles = std::max(tiles, op.tiles);
    }
    for (const char* moves_nothing : {"Reshape", "StopGradient"}) CHECK(most.erase(moves_nothing) == 1);
    for (const auto& each : most) CHECK_MESSAGE(each.second > 1, each.first);
}

TEST_CASE("class and attributes name whatever decides the result") {
    std::set<std::string> classes;
    for (const OpSource& op : op_sources_in(DUET_SOURCE_DIR "/ops")) {
        const bool is_first = classes.insert(op.name).second;
        CHECK_MESSAGE(is_first, "two files have an op class " << op.name << ", which nodes are merged by");
        for (const std::string& member : op.left_out())
            CHECK_MESSAGE(members_that_follow().contains(op.name + " " + member),
                          "attributes() of " << op.name << " does not name " << member);
    }
    const std::vector<std::string> fixed = survey_of_all().merge_keys().never_varied();
    for (const std::string& field : fixed)
        CHECK_MESSAGE(
            fields_that_follow().contains(field),
            field << ": no two rows differ in it alone, and nothing would tell if it were left out");
    for (const auto& each : fields_that_follow())
        CHECK_MESSAGE(std::find(fixed.begin(), fixed.end(), each.first) != fixed.end(),
                      each.first << " does vary");
}

TEST_CASE("a member that attributes do not name is found") {
    const std::vector<OpSource> ops = op_sources(R"(
        class Window final : public OpOf<Window> {
            Attributes attributes() const override { return {{"low", low_}, {"high", high()}}; }
            double high() const { return high_; }
            double low_, high_ = std::min(1.0, 2.0);
            static constexpr double step_ = 1;
        };
        class Silent : public ElementwiseOf<Silent> { std::vector<double> factors_{1}; };
        class Loud final : public OpOf<Loud, Silent> {};
        struct Other { int count_; };)");
    REQUIRE(ops.size() == 3);
    CHECK(ops[0].name == "Window");
    CHECK(ops[0].left_out() == std::vector<std::string>{"high_"});
    CHECK(ops[1].left_out() == std::vector<std::string>{"factors_"});
    CHECK(ops[1].is_base);
    CHECK(ops[2].left_out().empty());
}

TEST_CASE("every broken promise is found, and no other in what is right") {
    for (const OpCase& row : honest_cases()) {
        PromiseSurvey survey;
        survey.check(row, {});
        for (const BrokenPromise& broken : survey.report().broken)
            FAIL_CHECK(row.name << ": " << broken.promise << ": " << broken.how);
    }
    std::set<std::string> planted;
    for (const PlantedCase& each : planted_cases()) {
        if (each.promise == "emit" && !MachineCode::create()) continue;
        planted.insert(each.promise);
        PromiseSurvey survey;
        survey.check(each.row, {});
        std::set<std::string> found;
        for (const BrokenPromise& broken : survey.report().broken) found.insert(broken.promise);
        const std::string all = fmt::format("{}", fmt::join(found, ", "));
        CHECK_MESSAGE(found.contains(each.promise),
                      each.row.name << ": " << each.promise << ", found: " << all);
    }
    for (const auto& each : survey_of_all().report().checked)
        CHECK_MESSAGE(planted.contains(each.first), "no planted op breaks " << each.first);
    for (const std::string& promise : planted)
        CHECK_MESSAGE(survey_of_all().report().checked.contains(promise), promise << " is checked of no op");
}

TEST_CASE("every member of Op is a promise that is checked, or none") {
    std::ifstream file(DUET_SOURCE_DIR "/graph/op.hpp");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const std::regex member(R"(\n    virtual [^~;{]*?(\w+)\()");
    std::set<std::string> members;
    for (std::sregex_iterator match(text.begin(), text.end(), member), end; match != end; ++match)
        members.insert((*match)[1]);
    CHECK(members.size() > 20);
    if (!MachineCode::create()) members.erase("emit");
    for (const std::string& name : members)
        CHECK_MESSAGE((survey_of_all().report().checked.contains(name) || other_members().contains(name)),
                      name << " of Op is checked of no op");
}
