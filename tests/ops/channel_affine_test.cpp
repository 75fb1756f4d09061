#include <duet/ops/channel_affine.hpp>

#include <vector>

#include <duet/graph/error.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/shape_ops.hpp>

#include "evaluate.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

struct Case {
    Shape shape;
    std::size_t first;
    Shape factors;
};

const std::vector<Case> cases{
    {{2, 3, 4}, 1, {3}},         {{5, 30, 14, 14}, 1, {30}},
    {{300, 128}, 1, {128}},      {{7, 5000}, 1, {5000}},
    {{20000, 3}, 1, {3}},        {{40, 1000}, 0, {40}},
    {{6, 5, 70, 80}, 0, {6, 5}}, {{3, 4, 5}, 1, {4, 5}},
    {{30, 40}, 0, {}},           {{4}, 0, {4}},
};

/// x's shape with extents of 1 but for the factors', for the same by broadcasting.
Tensor aligned(const Tensor& factors, const Case& of) {
    std::vector<std::size_t> extents(of.shape.rank(), 1);
    std::copy(of.factors.begin(), of.factors.end(), extents.begin() + static_cast<std::ptrdiff_t>(of.first));
    return reshape(factors, Shape(std::move(extents)));
}

}  // namespace

TEST_CASE_TEMPLATE("channel_affine and channel_scale are what broadcasting gives, bit for bit", T, float,
                   double) {
    for (const Case& each : cases) {
        const std::vector<Argument> arguments{{each.shape, varied(each.shape, 1)},
                                              {each.factors, varied(each.factors, 2)},
                                              {each.factors, varied(each.factors, 3)},
                                              {each.shape, varied(each.shape, 4)}};
        const auto same = [&](const Build& build, const Build& expected) {
            CHECK_MESSAGE(
                values_of(evaluate<T>(build, arguments)) == values_of(evaluate<T>(expected, arguments)),
                to_string(each.shape));
        };
        same([&](const auto& in) { return relu(channel_affine(in[0], each.first, in[1], in[2])) + in[3]; },
             [&](const auto& in) {
                 return relu(in[0] * aligned(in[1], each) + aligned(in[2], each)) + in[3];
             });
        same([&](const auto& in) { return in[3] + channel_affine(in[0], each.first, in[1], in[2]); },
             [&](const auto& in) { return in[3] + (in[0] * aligned(in[1], each) + aligned(in[2], each)); });
        same(
            [&](const auto& in) {
                return channel_scale(in[0], each.first, in[1]) + in[3] + aligned(in[2], each) * 0.0;
            },
            [&](const auto& in) {
                return in[0] * aligned(in[1], each) + in[3] + aligned(in[2], each) * 0.0;
            });
    }
}

TEST_CASE("the tiles of channel_affine are independent and their regions are theirs") {
    for (const Case& each : cases) {
        Graph graph;
        const Tensor y =
            channel_affine(graph.input("x", each.shape), each.first, graph.input("factor", each.factors),
                           graph.input("shift", each.factors));
        const Op& op = *graph.node(y.id()).op;
        const std::vector<Shape> shapes{each.shape, each.factors, each.factors};
        const std::vector<double> x = varied(each.shape), factor = varied(each.factors, 2);
        const std::vector<const double*> inputs{x.data(), factor.data(), factor.data()};
        CHECK(run_op<double>(op, shapes, y.shape(), inputs) ==
              run_op<double>(op, shapes, y.shape(), inputs, 0, true));
        std::size_t covered = 0;
        for (std::size_t tile = 0; tile < op.tiles({shapes, y.shape()}); ++tile) {
            const Region region = op.region({shapes, y.shape()}, tile);
            CHECK(region.begin == covered);
            covered += region.rows * region.length;
        }
        CHECK(covered == y.shape().elements());
    }
}

TEST_CASE("channel_affine says what does not fit") {
    Graph graph;
    const Tensor x = graph.input("x", {2, 3, 4}), three = graph.input("three", {3}),
                 four = graph.input("four", {4});
    const auto message = [](const auto& build) { return message_of<ShapeError>(build); };
    CHECK(contains(message([&] { channel_affine(x, 1, four, four); }),
                   "channel_affine: the extents of (4) must be those of shape (2, 3, 4) from axis 1"));
    CHECK(contains(message([&] { channel_affine(x, 1, three, four); }), "the extents of (4) must be"));
    CHECK(contains(message([&] { channel_scale(x, 3, three); }), "channel_scale: the extents of (3)"));
}
