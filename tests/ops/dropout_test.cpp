#include <duet/ops/dropout.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include <duet/autodiff/gradient_check.hpp>
#include <duet/autodiff/gradient_tape.hpp>
#include <duet/graph/error.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

struct Dropped {
    std::vector<double> value, gradient;
};

/// dropout of ones, and its gradient for a seed of ones.
Dropped dropped(double probability, std::uint64_t draw, std::size_t count = 100000) {
    Graph graph(5);
    const Tensor x = graph.input("x", {count});
    GradientTape tape(graph);
    const Tensor y = dropout(x, "mask", probability);
    auto program = compile<float>(graph, {y, tape.gradient(y, x)});
    const Array ones = filled<float>({count}, 1);
    program.run({{x, ones}}, draw);
    return {values_of(program[0]), values_of(program[1])};
}

}  // namespace

TEST_CASE("dropout keeps elements with their probability and their expectation") {
    for (const double probability : {0.1, 0.5, 0.8}) {
        const Dropped of = dropped(probability, 1);
        const double kept = static_cast<float>(1 / (1 - probability));
        CHECK(std::all_of(of.value.begin(), of.value.end(),
                          [&](double element) { return element == 0 || element == kept; }));
        const double share = static_cast<double>(std::count(of.value.begin(), of.value.end(), kept)) /
                             static_cast<double>(of.value.size());
        CHECK(std::fabs(share - (1 - probability)) < 0.01);
        CHECK(of.gradient == of.value);
        CHECK(dropped(probability, 1).value == of.value);
        CHECK(dropped(probability, 2).value != of.value);
    }
    const auto all = [](const std::vector<double>& values, double wanted) {
        return std::all_of(values.begin(), values.end(), [&](double each) { return each == wanted; });
    };
    CHECK(all(dropped(0, 1).value, 1));
    CHECK(all(dropped(1, 1).value, 0));
    CHECK(all(dropped(1, 1).gradient, 0));
}

TEST_CASE("gradients of dropout are right to second order") {
    const auto report =
        check_gradients([](Graph&, const std::vector<Tensor>& x) { return dropout(x[0], "mask", 0.4); },
                        {Shape{3, 4}}, -2, 2);
    CHECK_MESSAGE(report.passed, report.message);
    CHECK(report.comparisons > 0);
}

TEST_CASE("dropout refuses what is no probability and a name that is taken") {
    Graph graph;
    const Tensor x = graph.input("x", {4});
    for (const double wrong : {-0.1, 1.5, std::nan("")})
        CHECK(contains(message_of<Error>([&] { dropout(x, "mask", wrong); }),
                       "dropout \"mask\": the probability is"));
    dropout(x, "mask", 0.5);
    CHECK(contains(message_of<Error>([&] { dropout(x, "mask", 0.5); }), "\"mask\" was already declared"));
}
