#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <duet/autodiff/gradient_check.hpp>
#include <duet/autodiff/gradient_tape.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/indexing.hpp>
#include <duet/ops/pooling.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/shape_ops.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

/// Part i of n of a tensor.
using Part = std::function<Tensor(const Tensor& x, std::size_t i, std::size_t n)>;

struct Parts {
    std::string name;
    Shape shape;
    Part part;
};

/// Ops of which each reads a part of a tensor, and whose gradients are zeros but for that part.
const std::vector<Parts>& parts() {
    static const std::vector<Parts> all{
        {"rows",
         {256, 256},
         [](const Tensor& x, std::size_t i, std::size_t n) {
             const std::size_t rows = x.shape()[0] / n;
             return slice(x, {i * rows, 0}, {(i + 1) * rows, x.shape()[1]});
         }},
        {"columns",
         {256, 256},
         [](const Tensor& x, std::size_t i, std::size_t n) {
             const std::size_t columns = x.shape()[1] / n;
             return slice(x, {0, i * columns}, {x.shape()[0], (i + 1) * columns});
         }},
        {"windows that overlap",
         {16, 64, 64},
         [](const Tensor& x, std::size_t i, std::size_t) {
             return slice(x, {i % 15, i % 60, i % 7}, {i % 15 + 2, i % 60 + 4, 64 - i % 5});
         }},
        {"pixels of coarse pools",
         {16, 16, 32, 32},
         [](const Tensor& x, std::size_t i, std::size_t) {
             return max_pool2d(x, {{16 + i % 16, 16 + i / 16}, {16, 16}});
         }},
    };
    return all;
}

/// The gradient of the sum of a function of each part.
Tensor gradient_of_parts(const Tensor& x, const Part& part, std::size_t n) {
    const GradientTape tape(x.graph());
    Tensor total;
    for (std::size_t i = 0; i < n; ++i) {
        const Tensor each = sum(tanh(part(x, i, n) * (1.0 + 0.01 * static_cast<double>(i))));
        // Both orders: a part behind the sum and before it.
        total = !total.valid() ? each : i % 3 == 0 ? each + total : total + each;
    }
    return tape.gradient(total, x);
}

}  // namespace

TEST_CASE("the gradient of many parts of a tensor takes the memory and the work of one") {
    for (const Parts& each : parts()) {
        const auto elements = static_cast<double>(each.shape.elements());
        std::vector<double> work;
        for (const std::size_t n : {16, 64, 256}) {
            Graph graph;
            const Tensor x = graph.input("x", each.shape);
            const Tensor gradient = gradient_of_parts(x, each.part, n);
            const auto program = compile<float>(graph, {gradient});
            const double part = static_cast<double>(each.part(x, 0, n).shape().elements());
            const double all_parts = part * static_cast<double>(n);
            // The sum and, while they are made of x, the parts' own gradients.
            CHECK_MESSAGE(
                static_cast<double>(program.report().arena_bytes) < 4 * (1.1 * elements + 1.5 * all_parts),
                each.name << ", " << n << " parts");
            work.push_back(program.report().flops / all_parts);
        }
        CHECK_MESSAGE(work.back() < 1.3 * work.front(), each.name);
    }
}

TEST_CASE_TEMPLATE("a part that is added to what stands there is what is added to zeros", T, float, double) {
    for (const Parts& each : parts()) {
        Graph graph;
        const Tensor x = graph.input("x", each.shape);
        const Tensor gradient = gradient_of_parts(x, each.part, 20);
        const Tensor again = sum(square(gradient));  // keeps the sum for a second reader
        const ArrayOf<T> values = array<T>(each.shape, varied(each.shape));
        CompileOptions literal;
        literal.rewrite = false;
        auto expected = compile<T>(graph, {gradient, again}, {}, Arena(), literal);
        expected.run({{x, values}});
        for (const std::size_t threads : {1, 2, 3}) {
            for (const std::vector<Tensor>& fetches : {std::vector{gradient, again}, std::vector{again}}) {
                auto program = compile<T>(graph, fetches, {}, Arena(threads));
                for (int run = 0; run < 2; ++run) {
                    program.run({{x, values}});
                    CHECK_MESSAGE(distance(program[fetches.size() - 1], values_of(expected[1])) < 1e-6,
                                  each.name);
                    if (fetches.size() > 1)
                        CHECK_MESSAGE(distance(program[0], values_of(expected[0])) < 1e-6, each.name);
                }
            }
        }
    }
}

TEST_CASE("a part is not added over what is still read") {
    Graph graph;
    const Variable weight("weight", Shape{4, 3}, 1.0F);
    const Tensor x = graph.input("x", {4, 3}), row = graph.input("row", {1, 3}), read = graph.read(weight);
    const std::vector<Tensor> sums{
        x + pad(row, {1, 0}, {2, 0}),
        pad(row, {1, 0}, {2, 0}) + x,
        square(x) + pad(row, {2, 0}, {1, 0}),
        square(x) * 2.0,  // which the sum before must leave
        read + pad(row, {0, 0}, {3, 0}),
        pad(row, {0, 0}, {3, 0}) + pad(row, {0, 0}, {3, 0}) * 2.0,
    };
    const Array fed = array<float>({4, 3}, varied({4, 3})), fed_row = array<float>({1, 3}, {1, 2, 3});
    CompileOptions literal;
    literal.rewrite = false;
    auto expected = compile<float>(graph, sums, {}, Arena(), literal);
    expected.run({{x, fed}, {row, fed_row}});
    auto program = compile<float>(graph, sums);
    for (int run = 0; run < 2; ++run) {
        program.run({{x, fed}, {row, fed_row}});
        for (std::size_t i = 0; i < sums.size(); ++i)
            CHECK(distance(program[i], values_of(expected[i])) < 1e-6);
    }
    // A variable's next value may be made where it stands, the rest of it left alone.
    auto step = compile<float>(graph, {}, {{Update{weight, sums[4]}}});
    step.run({{row, fed_row}});
    CHECK(values_of(weight.value()) == std::vector<double>{2, 3, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1});
}
