#include <string>
#include <utility>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/ops/arithmetic.hpp>
#include <duet/ops/broadcast.hpp>
#include <duet/ops/channel_affine.hpp>
#include <duet/ops/convolution.hpp>
#include <duet/ops/indexing.hpp>
#include <duet/ops/matmul.hpp>
#include <duet/ops/moments.hpp>
#include <duet/ops/pooling.hpp>
#include <duet/ops/random.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/shape_ops.hpp>
#include <duet/ops/shifting.hpp>

#include "op_cases.hpp"

namespace duet {

namespace {

using Inputs = std::vector<Tensor>;

void add_copies(std::vector<OpCase>& cases) {
    const auto add = [&](const char* op_class, const std::vector<Shape>& shapes, const auto& build) {
        cases.push_back({op_class, op_class + std::string(" in tiles"), build, shapes, -2, 2});
    };
    add("Exp", {{20000}}, [](Graph&, const Inputs& x) { return exp(x[0]); });
    add("BroadcastTo", {{150, 1}}, [](Graph&, const Inputs& x) { return broadcast_to(x[0], {150, 100}); });
    add("Transpose", {{20, 30, 25}}, [](Graph&, const Inputs& x) { return transpose(x[0], {2, 0, 1}); });
    add("Concat", {{2, 100, 100}, {2, 100, 70}}, [](Graph&, const Inputs& x) { return concat(x, 2); });
    add("Slice", {{120, 120}}, [](Graph&, const Inputs& x) { return slice(x[0], {3, 10}, {103, 119}); });
    add("Pad", {{180, 180}}, [](Graph&, const Inputs& x) { return pad(x[0], {1, 0}, {2, 3}); });
    add("Gather", {{3, 17000}}, [](Graph& graph, const Inputs& x) {
        return gather(x[0], graph.constant(indices_of({2, 0})));
    });
    add("Shift2d", {{3, 2, 100, 150}}, [](Graph& graph, const Inputs& x) {
        const ArrayOf<double> moves = {{1, -2}, {0, 7}, {-40, 3}};
        return shift2d(x[0], graph.constant(moves));
    });
    add("ScatterAdd", {{3, 2500}}, [](Graph& graph, const Inputs& x) {
        return scatter_add(x[0], graph.constant(indices_of({4, 1, 4})), 5);
    });
    add("OneHot", {{2, 20000}}, [](Graph& graph, const Inputs& x) {
        return x[0] * one_hot(graph.constant(indices_of({3, 19999})), 20000);
    });
    add("RandomNormal", {{3000}}, [](Graph& graph, const Inputs& x) {
        return x[0] * random_normal(graph, "normal", {3000}) + random_uniform(graph, "uniform", {3000});
    });
}

/// Parts of the terms, several outer indices, one with strips of columns, few columns.
void add_reductions(std::vector<OpCase>& cases) {
    const std::vector<std::pair<Shape, Axes>> reductions = {
        {{20000}, {0}},       {{17, 600}, {1}},    {{3, 2000}, {0}},  {{17, 32, 49}, {1}},
        {{2, 300, 100}, {1}}, {{2, 1, 2100}, {1}}, {{1000, 20}, {0}}, {{300, 20}, {1}},
    };
    for (const auto& [shape, axes] : reductions) {
        const std::string name = fmt::format("{} over axis {}", to_string(shape), axes[0]);
        cases.push_back({"Sum",
                         "sum of " + name,
                         [axes = axes](Graph&, const Inputs& x) { return sum(x[0], axes); },
                         {shape},
                         -2,
                         2});
        cases.push_back({"Max",
                         "max of " + name,
                         [axes = axes](Graph&, const Inputs& x) { return max(x[0], axes); },
                         {shape},
                         -2,
                         2});
    }
    const std::vector<std::pair<Shape, Axes>> kept = {
        {{20, 3, 400}, {0, 2}}, {{2, 40, 600}, {0, 2}}, {{40, 900}, {1}}, {{1, 3, 20000}, {0, 2}}};
    for (const auto& [shape, axes] : kept)
        cases.push_back({"Moments",
                         fmt::format("moments of {} over {} axes", to_string(shape), axes.size()),
                         [axes = axes](Graph&, const Inputs& x) {
                             const MeanAndVariance of = moments(x[0], axes);
                             return of.mean * of.variance;
                         },
                         {shape},
                         -2,
                         2});
    for (const auto& [shape, factor] : {std::pair{Shape{100, 90}, Shape{90}}, {{2, 3, 3000}, {3}}})
        cases.push_back({"ChannelAffine",
                         "channel_affine of " + to_string(shape),
                         [](Graph&, const Inputs& x) { return channel_affine(x[0], 1, x[1], x[2]); },
                         {shape, factor, factor},
                         -2,
                         2});
}

void add_pools(std::vector<OpCase>& cases) {
    const Pool2d how{{3, 2}, {2, 2}, {1, 1}};
    cases.push_back({"SumPool",
                     "sum_pool2d of large planes",
                     [=](Graph&, const Inputs& x) { return sum_pool2d(x[0], how); },
                     {{2, 1, 95, 96}},
                     -2,
                     2});
    cases.push_back({"MaxPoolPlaces",
                     "max_pool2d of large planes",
                     [=](Graph&, const Inputs& x) { return max_pool2d(x[0], how); },
                     {{1, 2, 95, 96}},
                     -2,
                     2});
}

/// Tiles of rows, of columns, of a single term, of a single column; a transposed matrix in panels, of one
/// width and with columns left over.
void add_products(std::vector<OpCase>& cases) {
    struct Product {
        Shape a, b;
        bool transpose_a, transpose_b;
    };
    const std::vector<Product> products = {
        {{128, 60}, {60, 70}, false, false},   {{60, 128}, {60, 70}, true, false},
        {{20, 100}, {100, 200}, false, false}, {{20, 100}, {200, 100}, false, true},
        {{100, 20}, {200, 100}, true, true},   {{100, 1}, {1, 100}, false, false},
        {{128, 40}, {40, 1}, false, false},    {{112, 64}, {128, 64}, false, true},
        {{112, 112}, {100, 112}, false, true}, {{112, 112}, {100, 112}, true, true},
        {{112, 112}, {101, 112}, false, true}};
    for (const Product& each : products)
        cases.push_back(
            {"MatMul",
             fmt::format("matmul of {}{} and {}{}", to_string(each.a), each.transpose_a ? " transposed" : "",
                         to_string(each.b), each.transpose_b ? " transposed" : ""),
             [=](Graph&, const Inputs& x) { return matmul(x[0], x[1], each.transpose_a, each.transpose_b); },
             {each.a, each.b},
             -2,
             2});
}

/// Each of the ways to compute a convolution, with tiles of samples and of channels, and of groups.
void add_convolutions(std::vector<OpCase>& cases) {
    struct Convolution {
        const char* name;
        Shape image, weight;
        Convolution2d how;
    };
    const std::vector<Convolution> convolutions = {
        {"lowered", {8, 8, 14, 14}, {12, 8, 3, 3}, {{1, 1}, {1, 1}, {1, 1}, 1}},
        {"lowered, of few pixels", {2, 40, 6, 6}, {48, 40, 3, 3}, {{2, 1}, {0, 1}, {2, 1}, 1}},
        {"lowered, in groups", {4, 16, 20, 20}, {16, 4, 4, 4}, {{1, 1}, {1, 1}, {1, 1}, 4}},
        {"gathered", {4, 32, 9, 9}, {64, 32, 3, 3}, {{1, 1}, {2, 2}, {2, 2}, 1}},
        {"gathered, with strides", {4, 64, 11, 9}, {32, 64, 3, 4}, {{2, 3}, {1, 1}, {1, 2}, 1}},
        {"gathered, in groups", {3, 128, 7, 7}, {128, 64, 3, 3}, {{1, 1}, {1, 1}, {2, 2}, 2}},
        {"minimal filtering, two taps a phase", {8, 16, 14, 12}, {32, 16, 4, 4}, {{2, 2}, {1, 1}, {1, 1}, 1}},
        {"minimal filtering, three taps", {8, 16, 6, 5}, {48, 16, 3, 3}, {{1, 1}, {1, 1}, {1, 1}, 1}},
        {"minimal filtering, many channels", {1, 64, 4, 4}, {144, 64, 3, 3}, {{1, 1}, {1, 1}, {1, 1}, 1}},
    };
    for (const Convolution& each : convolutions)
        cases.push_back({"Conv2d",
                         fmt::format("conv2d in tiles, {}", each.name),
                         [how = each.how](Graph&, const Inputs& x) { return conv2d(x[0], x[1], how); },
                         {each.image, each.weight},
                         -1,
                         1});
}

}  // namespace

std::vector<OpCase> tiled_cases() {
    std::vector<OpCase> cases;
    add_copies(cases);
    add_reductions(cases);
    add_pools(cases);
    add_products(cases);
    add_convolutions(cases);
    return cases;
}

}  // namespace duet
