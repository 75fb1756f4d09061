#include <duet/ops/normalization.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <duet/autodiff/gradient_check.hpp>
#include <duet/graph/error.hpp>
#include <duet/ops/moments.hpp>

#include "evaluate.hpp"
#include "layer_fixtures.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

struct Case {
    Shape shape;
    Axes axes;
};

/// One tile and many, channels side by side and alone, runs that do and do not fill a strip.
const std::vector<Case> cases{
    {{1}, {0}},
    {{70000}, {0}},
    {{5, 7}, {0, 1}},
    {{300, 5}, {0}},
    {{70, 1300}, {0}},
    {{9, 6272}, {1}},
    {{1000, 3}, {1}},
    {{6, 5, 7, 7}, {0, 2, 3}},
    {{64, 30, 14, 14}, {0, 2, 3}},
    {{2, 3, 30, 31}, {0, 2, 3}},
    {{70, 3, 1, 1}, {0, 2, 3}},
    {{1, 3, 5, 5}, {0, 2, 3}},
    {{3, 4, 5, 6}, {2, 3}},
    {{3, 4, 5, 6}, {0, 3}},
};

/// Mean and variance of each set of elements that agree in the axes that stay, by the plain formula.
std::pair<std::vector<double>, std::vector<double>> plain_moments(const Case& of,
                                                                  const std::vector<double>& x) {
    const std::size_t kept = reduced_shape(of.shape, of.axes).elements();
    const auto set_of = [&](std::size_t i) {
        std::size_t set = 0, stride = 1;
        for (std::size_t axis = of.shape.rank(); axis-- > 0; i /= of.shape[axis]) {
            if (std::find(of.axes.begin(), of.axes.end(), axis) != of.axes.end()) continue;
            set += i % of.shape[axis] * stride;
            stride *= of.shape[axis];
        }
        return set;
    };
    const auto terms = static_cast<double>(x.size()) / static_cast<double>(kept);
    std::vector<double> mean(kept), variance(kept);
    for (std::size_t i = 0; i < x.size(); ++i) mean[set_of(i)] += x[i] / terms;
    for (std::size_t i = 0; i < x.size(); ++i)
        variance[set_of(i)] += (x[i] - mean[set_of(i)]) * (x[i] - mean[set_of(i)]) / terms;
    return {mean, variance};
}

template <class T>
void check_value(const std::string& entry, const Build& build, const std::vector<std::string>& inputs) {
    std::vector<Argument> arguments;
    for (const std::string& input : inputs) {
        const auto* value = layer_fixtures<double>().find(input);
        REQUIRE_MESSAGE(value, input);
        arguments.push_back({shape_of(*value), values_of(*value)});
    }
    CHECK_MESSAGE(distance(evaluate<T>(build, arguments), values_of(*layer_fixtures<double>().find(entry))) <
                      (sizeof(T) == 4 ? 1e-5 : 1e-10),
                  entry);
}

}  // namespace

TEST_CASE_TEMPLATE("moments are mean and mean squared deviation", T, float, double) {
    for (const Case& each : cases) {
        std::vector<double> x = varied(each.shape);
        for (double& element : x) element += 3;
        const auto expected = plain_moments(each, x);
        const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-14;
        const auto mean =
            evaluate<T>([&](const auto& in) { return moments(in[0], each.axes).mean; }, {{each.shape, x}});
        const auto variance = evaluate<T>([&](const auto& in) { return moments(in[0], each.axes).variance; },
                                          {{each.shape, x}});
        CHECK_MESSAGE(distance(mean, expected.first) < tolerance, to_string(each.shape));
        CHECK_MESSAGE(distance(variance, expected.second) < tolerance, to_string(each.shape));
    }
}

TEST_CASE("the variance keeps its precision where the mean is large beside it") {
    const Shape shape{64, 2, 7, 7};
    std::vector<double> x = varied(shape);
    for (double& element : x) element = static_cast<float>(1000 + element);
    const Case of{shape, {0, 2, 3}};
    const auto variance =
        evaluate<float>([&](const auto& in) { return moments(in[0], of.axes).variance; }, {{shape, x}});
    CHECK(distance(variance, plain_moments(of, x).second) < 1e-5);
}

TEST_CASE("the tiles of moments are independent") {
    Graph graph;
    const Shape shape{20, 30, 14, 14};
    moments(graph.input("x", shape), {0, 2, 3});
    NodeId id = 0;
    while (graph.node(id).op->name() != "moments") ++id;
    const Op& op = *graph.node(id).op;
    const std::vector<double> values = varied(shape);
    const std::vector<const double*> inputs{values.data()};
    CHECK(op.tiles({{&shape, 1}, graph.node(id).shape}) > 2);
    CHECK(run_op<double>(op, {shape}, graph.node(id).shape, inputs) ==
          run_op<double>(op, {shape}, graph.node(id).shape, inputs, 0, true));
}

TEST_CASE_TEMPLATE("normalizations, their gradients and the gradients of these are PyTorch's", T, float,
                   double) {
    for (const char* name :
         {"batch_norm", "batch_norm_rows", "batch_norm_one_example", "batch_norm_one_pixel"})
        check_layer<T>(name, [](const auto& in) { return batch_norm(in[0], in[1], in[2]).value; });
    check_layer<T>("layer_norm", [](const auto& in) { return layer_norm(in[0], {6}, in[1], in[2]); });
    check_layer<T>("layer_norm_two_axes", [](const auto& in) {
        return layer_norm(in[0], {3, 2}, in[1], in[2]);
    });
    check_layer<T>("layer_norm_plain", [](const auto& in) { return layer_norm(in[0], {7}); });
    check_layer<T>("instance_norm", [](const auto& in) { return instance_norm(in[0], in[1], in[2]); });
    check_layer<T>("instance_norm_plain", [](const auto& in) { return instance_norm(in[0]); });
    for (const std::size_t groups : {1, 2})
        check_layer<T>("group_norm_" + std::to_string(groups),
                       [groups](const auto& in) { return group_norm(in[0], groups, in[1], in[2]); });
    check_layer<T>("group_norm_rows", [](const auto& in) { return group_norm(in[0], 2, in[1], in[2]); });
    const auto& file = layer_fixtures<double>();
    check_layer<T>("batch_norm_inference", [&](const auto& in) {
        Graph& graph = in[0].graph();
        return batch_norm_inference(in[0], in[1], in[2],
                                    graph.constant(*file.find("batch_norm_inference/mean")),
                                    graph.constant(*file.find("batch_norm_inference/variance")));
    });
}

TEST_CASE_TEMPLATE("running statistics made of the batch's are PyTorch's", T, float, double) {
    const auto next = [](const Tensor& running, const Tensor& statistic) {
        return 0.9 * running + 0.1 * statistic;
    };
    check_value<T>("batch_norm/next_mean",
                   [&](const auto& in) { return next(in[1], batch_norm(in[0], 1.0, 0.0).statistics.mean); },
                   {"batch_norm/input0", "batch_norm/running_mean"});
    check_value<T>("batch_norm/next_variance",
                   [&](const auto& in) {
                       return next(in[1], unbiased_variance(batch_norm(in[0], 1.0, 0.0).statistics));
                   },
                   {"batch_norm/input0", "batch_norm/running_variance"});
}

TEST_CASE("gradients of normalizations are right to second order") {
    const std::vector<std::pair<CheckedFunction, std::vector<Shape>>> checked{
        {[](Graph&, const auto& x) { return batch_norm(x[0], x[1], x[2], 1e-3).value; },
         {{3, 2, 2, 2}, {2}, {2}}},
        {[](Graph&, const auto& x) { return unbiased_variance(batch_norm(x[0], 1.0, 0.0).statistics); },
         {{3, 2}}},
        {[](Graph&, const auto& x) {
             return batch_norm_inference(x[0], x[1], x[2], x[3], x[4] * x[4] + 0.1);
         },
         {{3, 2, 2}, {2}, {2}, {2}, {2}}},
        {[](Graph&, const auto& x) { return batch_norm_inference(x[0], 2.0, x[1], 0.5, 4.0); },
         {{3, 2, 2}, {2}}},
        {[](Graph&, const auto& x) { return layer_norm(x[0], {4}, x[1], 2.0); }, {{3, 4}, {4}}},
        {[](Graph&, const auto& x) { return instance_norm(x[0], 2.0, x[1]); }, {{2, 3, 4}, {3}}},
        {[](Graph&, const auto& x) { return group_norm(x[0], 2, x[1], x[2]); }, {{2, 4, 3}, {4}, {4}}},
    };
    for (std::size_t i = 0; i < checked.size(); ++i) {
        const auto report = check_gradients(checked[i].first, checked[i].second, -2, 2);
        CHECK_MESSAGE(report.passed, i << ": " << report.message);
        CHECK(report.comparisons > 0);
    }
}

TEST_CASE("a normalization says what does not fit") {
    Graph graph;
    const Tensor x = graph.input("x", {4, 6, 2, 2}), three = graph.input("three", {3}),
                 six = graph.input("six", {6}), rows = graph.input("rows", {4, 6});
    const auto message = [](const auto& build) { return message_of<ShapeError>(build); };
    CHECK(contains(message([&] { batch_norm(x, three, 0.0); }),
                   "batch_norm: the scale of shape (3) must have shape (6)"));
    CHECK(contains(message([&] { batch_norm(x, 1.0, three); }), "the shift of shape (3)"));
    CHECK(contains(message([&] { batch_norm(six, 1.0, 0.0); }),
                   "shape (6) has too few axes; it must be (batch, channels) or"));
    CHECK(contains(message([&] {
                       batch_norm(graph.input("one", {1, 6}), six, six);
                   }),
                   "shape (1, 6) has one value a channel"));
    CHECK(contains(message([&] { batch_norm_inference(x, six, six, three, six); }),
                   "batch_norm_inference: the mean of shape (3)"));
    CHECK(contains(message([&] { batch_norm_inference(x, six, six, six, rows); }), "the variance of shape"));
    CHECK(contains(message([&] { layer_norm(rows, {4}); }),
                   "layer_norm: shape (4, 6) does not end in the extents (4)"));
    CHECK(contains(message([&] { layer_norm(six, {4, 6}); }), "does not end in"));
    CHECK(contains(message([&] { layer_norm(rows, Shape{}); }), "there are no axes to normalize over"));
    CHECK(contains(message([&] { instance_norm(rows); }), "it must be (batch, channels, ...)"));
    CHECK(contains(message([&] {
                       instance_norm(graph.input("pixel", {4, 6, 1, 1}));
                   }),
                   "has one value a channel"));
    CHECK(contains(message([&] { group_norm(x, 4); }),
                   "group_norm: the 6 channels of shape (4, 6, 2, 2) are not divided by 4 groups"));
    CHECK(contains(message([&] { group_norm(x, 0); }), "0 groups"));
    CHECK(contains(message([&] {
                       moments(x, {0, 2});
                   }),
                   "moments: the axes of shape (4, 6, 2, 2) that stay"));
    CHECK(contains(message([&] { moments(x, {4}); }), "there is no axis 4"));
    CHECK(contains(message([&] { batch_norm(x, three, 0.0); }), "normalization_test.cpp"));
}
