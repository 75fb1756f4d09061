#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <duet/autodiff/gradient_tape.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/reduce.hpp>

#include "op_cases.hpp"
#include "random_graphs/compared_programs.hpp"
#include "random_graphs/random_graph.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

#ifdef DUET_SANITIZED
constexpr std::uint64_t usual_graphs = 500;
#else
constexpr std::uint64_t usual_graphs = 2000;
#endif
constexpr std::size_t any_steps = 1000;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* value = std::getenv(name);
    return value ? std::stoull(value) : otherwise;
}

void print(const char* what, const ComparisonCounts& counts) {
    MESSAGE(
        fmt::format("{} {}, {} nodes, {} programs run twice; tensors: {} compared bit for bit, {} by number, "
                    "{} not by number since rounding moves them",
                    counts.graphs, what, counts.nodes, counts.programs, counts.by_bits, counts.by_number,
                    counts.unsteady));
}

/// What differs in the graph of the fewest steps in which something does.
std::string shortest(std::uint64_t seed) {
    ComparisonCounts ignored{};
    for (std::size_t steps = 1; steps < any_steps; ++steps) {
        const GraphCase graph_case = random_graph(seed, steps);
        const std::string found = differences(graph_case, seed, ignored);
        if (!found.empty()) return fmt::format("{} nodes are enough:\n{}", graph_case.graph->size(), found);
    }
    return {};
}

/// The value of an op, its gradients, and theirs.
GraphCase case_of(const OpCase& row) {
    GraphCase result{std::make_unique<Graph>(), {}, {}, {}, {}, {}};
    Graph& graph = *result.graph;
    std::vector<Tensor> inputs;
    for (const Shape& shape : row.input_shapes) {
        inputs.push_back(graph.input("input " + std::to_string(inputs.size()), shape));
        result.inputs.push_back({inputs.back(), {row.low, row.high}});
    }
    const GradientTape tape(graph);
    const Tensor value = row.build(graph, inputs);
    const auto fetch_gradients = [&](const Tensor& loss) {
        for (const Tensor& input : inputs)
            if (has_gradient_path(loss, input)) result.fetches.push_back(tape.gradient(loss, input));
    };
    fetch_gradients(sum(value * value + value));
    const std::vector<Tensor> first_order = result.fetches;
    for (const Tensor& gradient : first_order) fetch_gradients(sum(square(gradient)));
    result.fetches.push_back(value);
    return result;
}

void add_ops(const Graph& graph, std::set<std::string>& names) {
    for (NodeId id = 0; id < graph.size(); ++id) names.insert(graph.node(id).op->name());
}

}  // namespace

TEST_CASE("random graphs compute the same however they are compiled") {
    const std::uint64_t graphs = from_environment("DUET_RANDOM_GRAPHS", usual_graphs);
    const std::uint64_t first = from_environment("DUET_RANDOM_GRAPHS_SEED", 0);
    constexpr std::size_t most_reports = 5;
    ComparisonCounts counts{};
    std::size_t wrong = 0;
    for (std::uint64_t seed = first; seed < first + graphs; ++seed) {
        const std::string found = differences(random_graph(seed, any_steps), seed, counts);
        if (found.empty() || ++wrong > most_reports) continue;
        FAIL_CHECK(fmt::format("graph {}:\n{}{}alone: DUET_RANDOM_GRAPHS=1 DUET_RANDOM_GRAPHS_SEED={}", seed,
                               found, shortest(seed), seed));
    }
    print("random graphs", counts);
    CHECK(wrong == 0);
    if (graphs >= usual_graphs) CHECK(counts.unsteady * 20 < counts.by_number);
}

TEST_CASE("every op and its gradients compute the same however they are compiled") {
    ComparisonCounts counts{};
    for (const OpCase& row : op_cases()) {
        const std::string found = differences(case_of(row), 0, counts);
        CHECK_MESSAGE(found.empty(), row.name << ":\n" << found);
    }
    print("op cases", counts);
}

TEST_CASE("random graphs are made of every op") {
    std::set<std::string> expected, found;
    for (const OpCase& row : op_cases()) add_ops(*case_of(row).graph, expected);
    for (std::uint64_t seed = 0; seed < 200; ++seed) add_ops(*random_graph(seed, any_steps).graph, found);
    for (const std::string& name : expected)
        CHECK_MESSAGE(found.contains(name), name << " is in no random graph");
}
