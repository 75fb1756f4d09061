#include <duet/ops/pooling.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <duet/graph/error.hpp>

#include "evaluate.hpp"
#include "layer_fixtures.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

struct Case {
    std::string name;
    Pool2d how;
};

const std::vector<Case> cases{
    {"", {}},
    {"_rest", {}},
    {"_overlapping", {{3, 3}, {2, 2}, {1, 1}}},
    {"_oblong", {{2, 3}, {1, 2}, {0, 1}}},
    {"_gaps", {{2, 2}, {3, 3}, {1, 1}}},
    {"_one_pixel", {{1, 1}}},
};

/// Each window's elements, row by row, after each other's.
std::vector<std::vector<double>> windows_of(const Shape& shape, const std::vector<double>& x,
                                            const Pool2d& how, const Shape& pooled) {
    std::vector<std::vector<double>> windows;
    for (std::size_t plane = 0; plane < shape[0] * shape[1]; ++plane)
        for (std::size_t row = 0; row < pooled[2]; ++row)
            for (std::size_t column = 0; column < pooled[3]; ++column) {
                std::vector<double>& window = windows.emplace_back();
                for (std::size_t i = 0; i < how.kernel[0]; ++i)
                    for (std::size_t j = 0; j < how.kernel[1]; ++j) {
                        const std::size_t y = row * how.stride[0] + i, z = column * how.stride[1] + j;
                        if (y < how.padding[0] || y >= shape[2] + how.padding[0]) continue;
                        if (z < how.padding[1] || z >= shape[3] + how.padding[1]) continue;
                        window.push_back(
                            x[(plane * shape[2] + y - how.padding[0]) * shape[3] + z - how.padding[1]]);
                    }
            }
    return windows;
}

}  // namespace

TEST_CASE_TEMPLATE("pools, their gradients and the gradients of these are PyTorch's", T, float, double) {
    for (const Case& each : cases) {
        const Pool2d how = each.how;
        check_layer<T>("avg_pool2d" + each.name, [how](const auto& in) { return avg_pool2d(in[0], how); });
        check_layer<T>("max_pool2d" + each.name, [how](const auto& in) { return max_pool2d(in[0], how); });
        if (how.padding[1] > 0)
            check_layer<T>("avg_pool2d_inside" + each.name,
                           [how](const auto& in) { return avg_pool2d(in[0], how, false); });
    }
    check_layer<T>("max_pool2d_ties", [](const auto& in) {
        return max_pool2d(in[0], {{3, 3}, {1, 1}, {1, 1}});
    });
    check_layer<T>("global_avg_pool2d", [](const auto& in) { return global_avg_pool2d(in[0]); });
}

TEST_CASE_TEMPLATE("pools of many tiles are what the plain formula gives", T, float, double) {
    const Shape shape{3, 37, 31, 29};
    const std::vector<double> x = varied(shape);
    for (const Pool2d& how : {Pool2d{{2, 2}, {2, 2}, {0, 0}}, Pool2d{{3, 5}, {1, 3}, {1, 2}}}) {
        const auto sums = evaluate<T>([&](const auto& in) { return sum_pool2d(in[0], how); }, {{shape, x}});
        const auto largest =
            evaluate<T>([&](const auto& in) { return max_pool2d(in[0], how); }, {{shape, x}});
        std::vector<double> expected_sums, expected_largest;
        for (const auto& window : windows_of(shape, x, how, shape_of(sums))) {
            double sum = 0, most = window.front();
            for (const double element : window) {
                sum += element;
                most = std::max(most, element);
            }
            expected_sums.push_back(sum);
            expected_largest.push_back(static_cast<T>(most));
        }
        CHECK(distance(sums, expected_sums) < (sizeof(T) == 4 ? 1e-6 : 1e-14));
        CHECK(values_of(largest) == expected_largest);
    }
}

TEST_CASE("the tiles of pools and of their transposes are independent") {
    Graph graph;
    const Pool2d how{{3, 3}, {2, 2}, {1, 1}};
    const Tensor x = graph.input("x", {40, 3, 31, 29});
    GradientTape tape(graph);
    tape.gradient(max_pool2d(x, how), x);
    tape.gradient(avg_pool2d(x, how), x);
    const std::vector<double> images = varied(x.shape());
    std::size_t checked = 0;
    for (NodeId id = 0; id < graph.size(); ++id) {
        const Node& node = graph.node(id);
        const std::string name = node.op->name();
        if (name != "sum_pool2d" && name != "sum_unpool2d" && name != "max_pool2d_places") continue;
        const Shape& from = graph.node(node.inputs[0]).shape;
        const auto run = [&](bool reversed) {
            return run_op<double>(*node.op, {from}, node.shape, {images.data()}, 0, reversed);
        };
        CHECK(node.op->tiles({{&from, 1}, node.shape}) > 2);
        CHECK(run(false) == run(true));
        ++checked;
    }
    CHECK(checked == 3);
}

TEST_CASE_TEMPLATE("max_pool2d at infinities and NaN", T, float, double) {
    const double infinity = std::numeric_limits<double>::infinity(), nan = std::nan("");
    const auto y = evaluate<T>([](const auto& in) { return max_pool2d(in[0]); },
                               {{{1, 1, 2, 8},
                                 {nan, 1, 2, infinity, -infinity, -infinity, 1, 2,  //
                                  2, 3, 0, 0, -infinity, -infinity, 3, nan}}});
    CHECK(std::isnan(y.data()[0]));
    CHECK(y.data()[1] == infinity);
    CHECK(y.data()[2] == -infinity);
    CHECK(std::isnan(y.data()[3]));
}

TEST_CASE("a pool says what does not fit") {
    Graph graph;
    const Tensor x = graph.input("x", {2, 3, 4, 5}), rows = graph.input("rows", {4, 5});
    const auto message = [](const auto& build) { return message_of<ShapeError>(build); };
    CHECK(contains(message([&] { avg_pool2d(rows); }),
                   "avg_pool2d: shape (4, 5) must have four axes: (batch, channels, height, width)"));
    CHECK(contains(message([&] {
                       max_pool2d(x, {{5, 5}});
                   }),
                   "max_pool2d: the kernel of 5 is larger than axis 2 of shape (2, 3, 4, 5), padded by 0"));
    CHECK(contains(message([&] { max_pool2d(x, {{2, 0}}); }), "the kernel is 0 along axis 3"));
    CHECK(contains(message([&] {
                       max_pool2d(x, {{3, 3}, {1, 1}, {0, 2}});
                   }),
                   "a padding of 2 along axis 3 is more than half the kernel's 3"));
    CHECK(contains(message([&] {
                       sum_unpool2d(x, {}, {8, 12});
                   }),
                   "sum_unpool2d: shape (2, 3, 4, 5) must be (2, 3, 4, 6), one element a window over"));
    CHECK(contains(message([&] {
                       max_pool2d(graph.input("large", {1, 1, 4097, 4096}));
                   }),
                   "max_pool2d_places: there are 16781312 elements of a plane, but indices travel in"));
    CHECK(contains(message([&] { global_avg_pool2d(rows); }), "global_avg_pool2d: shape (4, 5)"));
}
