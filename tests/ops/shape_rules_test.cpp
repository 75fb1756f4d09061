#include <duet/ops/shape_rules.hpp>

#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/broadcast.hpp>
#include <duet/ops/channel_affine.hpp>
#include <duet/ops/classification.hpp>
#include <duet/ops/moments.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/shape_ops.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

struct Good {
    std::function<Shape()> rule;
    Shape expected;
};

struct Bad {
    std::function<Shape()> rule;
    std::string message;
};

}  // namespace

TEST_CASE("shape rules accept what fits") {
    const std::vector<Good> cases{
        {[] {
             return broadcast_shape({2, 3}, {2, 3});
         },
         {2, 3}},
        {[] {
             return broadcast_shape({}, {2, 3});
         },
         {2, 3}},
        {[] {
             return broadcast_shape({3}, {2, 3});
         },
         {2, 3}},
        {[] {
             return broadcast_shape({2, 1}, {1, 3});
         },
         {2, 3}},
        {[] {
             return broadcast_shape({4, 1, 3}, {5, 1});
         },
         {4, 5, 3}},
        {[] { return broadcast_shape({1}, {}); }, {1}},
        {[] {
             return broadcast_to_shape({1, 3}, {2, 4, 3});
         },
         {2, 4, 3}},
        {[] {
             return reduced_shape({2, 3, 4}, {0, 2});
         },
         {3}},
        {[] {
             return reduced_shape({2, 3}, {0, 1});
         },
         {}},
        {[] {
             return with_unit_axes({2, 3, 4}, {1});
         },
         {2, 1, 4}},
        {[] {
             return reshaped_shape({2, 6}, {3, 4});
         },
         {3, 4}},
        {[] {
             return reshaped_shape({1, 1}, {});
         },
         {}},
        {[] {
             return transposed_shape({2, 3, 4}, {2, 0, 1});
         },
         {4, 2, 3}},
        {[] { return transposed_shape({}, {}); }, {}},
        {[] {
             return transposed_shape({2, 3, 4}, {-1, 0, -2});
         },
         {4, 2, 3}},
        {[] {
             return reduced_shape({2, 3, 4}, {-1, 0});
         },
         {3}},
        {[] {
             return with_unit_axes({2, 3, 4}, {-3});
         },
         {1, 3, 4}},
        {[] {
             return concat_shape(std::vector<Shape>{{2, 3}, {2, 1}}, -1);
         },
         {2, 4}},
        {[] {
             return concat_shape(std::vector<Shape>{{2, 3}, {2, 1}, {2, 3}}, 1);
         },
         {2, 7}},
        {[] {
             return slice_shape({4, 5}, {1, 0}, {3, 5});
         },
         {2, 5}},
        {[] {
             return pad_shape({4, 5}, {1, 0}, {2, 3});
         },
         {7, 8}},
        {[] {
             return gather_shape({7, 2, 3}, {4, 5});
         },
         {4, 5, 2, 3}},
        {[] { return gather_shape({7}, {}); }, {}},
        {[] {
             return scatter_shape({4, 5, 2}, {4, 5}, 7);
         },
         {7, 2}},
        {[] { return one_hot_shape({4}, 10); }, {4, 10}},
    };
    for (const Good& good : cases) CHECK(to_string(good.rule()) == to_string(good.expected));
}

TEST_CASE("shape rules say what does not fit") {
    const std::vector<Bad> cases{
        {[] {
             return broadcast_shape({128, 10}, {64, 10});
         },
         "shapes (128, 10) and (64, 10) cannot be broadcast together: axis 0 is 128 and 64"},
        {[] {
             return broadcast_shape({2, 3, 4}, {3});
         },
         "shapes (2, 3, 4) and (3) cannot be broadcast together: axis 2 is 4 and 3"},
        {[] {
             return broadcast_to_shape({2, 3}, {3});
         },
         "shape (2, 3) cannot be broadcast to (3)"},
        {[] { return broadcast_to_shape({2}, {3}); }, "shape (2) cannot be broadcast to (3)"},
        {[] {
             return reduced_shape({2, 3}, {2});
         },
         "there is no axis 2 in shape (2, 3)"},
        {[] {
             return reduced_shape({2, 3}, sorted_axes({2, 3}, {1, 1}));
         },
         "axis 1 is named twice"},
        {[] {
             return reduced_shape({2, 3}, sorted_axes({2, 3}, {0, 5}));
         },
         "there is no axis 5"},
        {[] {
             return reshaped_shape({2, 3}, {4, 2});
         },
         "(2, 3) has 6 elements and (4, 2) has 8"},
        {[] {
             return transposed_shape({2, 3}, {0});
         },
         "1 axes are given for shape (2, 3)"},
        {[] {
             return transposed_shape({2, 3}, {0, 0});
         },
         "axis 0 is named twice"},
        {[] {
             return transposed_shape({2, 3}, {0, 2});
         },
         "there is no axis 2"},
        {[] { return concat_shape({}, 0); }, "nothing to concatenate"},
        {[] {
             return concat_shape(std::vector<Shape>{{2, 3}, {3, 3}}, 1);
         },
         "cannot be concatenated along axis 1"},
        {[] {
             return concat_shape(std::vector<Shape>{{2, 3}, {2}}, 0);
         },
         "cannot be concatenated"},
        {[] {
             return concat_shape(std::vector<Shape>{{2, 3}}, 2);
         },
         "there is no axis 2"},
        {[] {
             return slice_shape({4, 5}, {1}, {3});
         },
         "1 begins are given for shape (4, 5)"},
        {[] {
             return slice_shape({4, 5}, {1, 0}, {3});
         },
         "1 ends are given"},
        {[] {
             return slice_shape({4, 5}, {1, 0}, {1, 5});
         },
         "[1, 1) is no part of axis 0"},
        {[] {
             return slice_shape({4, 5}, {0, 0}, {4, 6});
         },
         "[0, 6) is no part of axis 1"},
        {[] {
             return pad_shape({4, 5}, {1}, {2, 3});
         },
         "1 paddings before are given"},
        {[] { return pad_shape({4}, {~std::size_t{0}}, {0}); }, "longer than memory can address"},
        {[] { return gather_shape({}, {3}); }, "the table is a scalar"},
        {[] {
             return scatter_shape({4, 2}, {5}, 7);
         },
         "(4, 2) of the values does not begin with the indices' (5)"},
        {[] {
             return scatter_shape({4}, {4, 1}, 7);
         },
         "does not begin with"},
    };
    for (const Bad& bad : cases) {
        const std::string message = message_of<ShapeError>(bad.rule);
        CHECK_MESSAGE(contains(message, bad.message), message);
    }
}

TEST_CASE("a negative axis counts from the end, wherever an axis is taken") {
    using Along = std::function<Tensor(const Tensor&, std::ptrdiff_t)>;
    Graph graph;
    const Tensor x = graph.input("x", {2, 3, 4});
    const auto factor = [&](std::ptrdiff_t axis) {
        return graph.constant(filled<double>({x.shape()[normalized_axis(x.shape(), axis)]}, 2.0));
    };
    const std::vector<std::pair<std::string, Along>> builders{
        {"sum", [](const Tensor& t, std::ptrdiff_t axis) { return sum(t, {axis}); }},
        {"mean", [](const Tensor& t, std::ptrdiff_t axis) { return mean(t, {axis}, true); }},
        {"max", [](const Tensor& t, std::ptrdiff_t axis) { return max(t, {axis}); }},
        {"logsumexp", [](const Tensor& t, std::ptrdiff_t axis) { return logsumexp(t, {axis}); }},
        {"moments",
         [](const Tensor& t, std::ptrdiff_t axis) {
             return moments(t, {axis, 1}).variance;
         }},
        {"transpose",
         [](const Tensor& t, std::ptrdiff_t axis) {
             return transpose(t, {axis, axis == 2 || axis == -1 ? 0 : -1, 1});
         }},
        {"concat",
         [](const Tensor& t, std::ptrdiff_t axis) {
             return concat({t, t}, axis);
         }},
        {"channel_affine",
         [&](const Tensor& t, std::ptrdiff_t axis) {
             return channel_affine(t, axis, factor(axis), factor(axis));
         }},
        {"channel_scale",
         [&](const Tensor& t, std::ptrdiff_t axis) { return channel_scale(t, axis, factor(axis)); }},
    };
    const Array values = array<float>(x.shape(), varied(x.shape()));
    for (const auto& builder : builders) {
        const std::string& name = builder.first;
        const Along& along = builder.second;
        for (const std::ptrdiff_t axis : {0, 2}) {
            auto program = compile<float>(graph, {along(x, axis), along(x, axis - 3)});
            program.run({{x, values}});
            CHECK_MESSAGE(shape_of(program[0]) == shape_of(program[1]), name);
            CHECK_MESSAGE(program[0] == program[1], name);
        }
    }
    const Tensor two = graph.constant(filled<double>({2}, 2.0)), scalar = graph.input("scalar", {});
    for (const std::ptrdiff_t beyond : {-4, 3}) {
        const std::vector<std::pair<std::string, std::function<void()>>> refused{
            {"sum", [&] { sum(x, {beyond}); }},          {"mean", [&] { mean(x, {0, beyond}); }},
            {"max", [&] { max(x, {beyond}); }},          {"logsumexp", [&] { logsumexp(x, {beyond}); }},
            {"moments", [&] { moments(x, {beyond}); }},  {"transpose", [&] { transpose(x, {0, 1, beyond}); }},
            {"concat", [&] { concat({x, x}, beyond); }},
        };
        for (const auto& each : refused) {
            const std::string& name = each.first;
            const std::string message = message_of<ShapeError>(each.second);
            CHECK_MESSAGE(
                contains(message, fmt::format("{}: there is no axis {} in shape (2, 3, 4); axes are from "
                                              "-3 to 2",
                                              name, beyond)),
                message);
            CHECK_MESSAGE(message.starts_with("shape_rules_test.cpp:"), message);
        }
    }
    CHECK(contains(message_of<ShapeError>([&] { channel_affine(x, -4, two, two); }),
                   "channel_affine: there is no axis -4"));
    CHECK(contains(message_of<ShapeError>([&] { channel_scale(x, -4, two); }),
                   "channel_scale: there is no axis -4"));
    CHECK(contains(message_of<ShapeError>([&] { sum(scalar, {-1}); }),
                   "sum: there is no axis -1 in shape (): a scalar has none"));
    CHECK(contains(message_of<ShapeError>([&] {
                       sum(x, {2, -1});
                   }),
                   "axis 2 is named twice, counted from 0"));
    CHECK(contains(message_of<ShapeError>([&] { transpose(x, {0, 1, -2}); }), "axis 1 is named twice"));
}

TEST_CASE("a rejected op names itself, its arguments with their lines, and the caller's line") {
    Graph graph;
    const Tensor a = graph.input("a", {128, 10});
    const unsigned declared = __LINE__ - 1;
    const Tensor b = graph.input("b", {64, 10});
    const NodeId before = graph.size();
    unsigned line = 0;
    const auto expect = [&](const std::string& message, const std::string& op) {
        CHECK_MESSAGE(contains(message, "shape_rules_test.cpp:" + std::to_string(line) + ": " + op + ": "),
                      message);
        CHECK_MESSAGE(contains(message, "argument 1: a (128, 10), declared at shape_rules_test.cpp:" +
                                            std::to_string(declared)),
                      message);
    };
    const std::string operators = message_of<ShapeError>([&] {
        line = __LINE__ + 1;
        a + b;
    });
    expect(operators, "add");
    CHECK(contains(operators, "cannot be broadcast together: axis 0 is 128 and 64"));
    CHECK(contains(operators, "argument 2: b (64, 10)"));
    expect(message_of<ShapeError>([&] {
               line = __LINE__ + 1;
               mean(a, {2});
           }),
           "mean");
    expect(message_of<ShapeError>([&] {
               line = __LINE__ + 1;
               softmax_cross_entropy(a, b);
           }),
           "softmax_cross_entropy");
    expect(message_of<ShapeError>([&] {
               line = __LINE__ + 1;
               sum_to(a, {5});
           }),
           "sum_to");
    expect(message_of<ShapeError>([&] {
               line = __LINE__ + 1;
               reshape(a, {5});
           }),
           "reshape");
    CHECK(graph.size() == before);
}
