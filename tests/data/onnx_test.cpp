#include <memory>

#include <doctest/doctest.h>
#include <xtensor/xarray.hpp>

#include <duet/data/onnx.hpp>
#include <duet/graph/error.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/pooling.hpp>
#include <duet/ops/random.hpp>
#include <duet/ops/shape_ops.hpp>

#include "../graph/support.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

std::string error_of(const std::vector<NamedTensor>& inputs, const std::vector<NamedTensor>& outputs,
                     const OnnxOptions& options = {}) {
    return message_of([&] { encode_onnx(inputs, outputs, options); });
}

std::string text_of(const Bytes& bytes) {
    return {bytes.begin(), bytes.end()};
}

std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

/// An op of a user's own.
class Cube final : public ElementwiseOf<Cube> {
 public:
    std::string name() const override { return "cube"; }
    template <class T>
    T value(T x) const {
        return x * x * x;
    }
};

/// An op of a user's own that has the name of one of Duet's.
class OtherClip final : public ElementwiseOf<OtherClip> {
 public:
    std::string name() const override { return "clip"; }
    template <class T>
    T value(T x) const {
        return x;
    }
};

}  // namespace

TEST_CASE("the bytes of an ONNX model") {
    Graph graph;
    const Tensor x = graph.input("x", {3});
    const Bytes model = encode_onnx(std::vector<NamedTensor>{{"x", x}}, std::vector<NamedTensor>{{"y", x}});
    // ir_version 8, producer_name, opset_import {"", 13}, then the graph: a node x -> Identity -> y, its
    // name, input, output.
    const Bytes start{0x08, 8, 0x12, 4, 'd', 'u', 'e', 't', 0x42, 4, 0x0a, 0, 0x10, 13, 0x3a};
    REQUIRE(model.size() > start.size() + 1);
    CHECK(std::equal(start.begin(), start.end(), model.begin()));
    const Bytes node{0x0a, 19, 0x0a, 1,   'x', 0x12, 1,   'y', 0x1a, 1,  'y',
                     0x22, 8,  'I',  'd', 'e', 'n',  't', 'i', 't',  'y'};
    CHECK(
        std::equal(node.begin(), node.end(), model.begin() + static_cast<std::ptrdiff_t>(start.size()) + 1));
    const Bytes output{0x62, 15, 0x0a, 1, 'y', 0x12, 10, 0x0a, 8, 0x08, 1, 0x12, 4, 0x0a, 2, 0x08, 3};
    CHECK(std::equal(output.rbegin(), output.rend(), model.rbegin()));
}

TEST_CASE("a node without a mapping to ONNX is an error that names it, its op and its line") {
    Graph graph;
    const Tensor x = graph.input("x", {3});
    const Tensor cubed = apply(std::make_shared<Cube>(), {x}).named("cubed");
    const std::string own = error_of({{"x", x}}, {{"y", cubed + 1.0}});
    CHECK(contains(own, "node cubed (3), declared at onnx_test.cpp:"));
    CHECK(contains(own, "cube, has no mapping"));
    CHECK(contains(own, "onnx_test.cpp:"));
    const std::string random = error_of({}, {{"y", random_normal(graph, "noise", {3})}});
    CHECK(contains(random, "noise"));
    CHECK(contains(random, "random_normal, has no mapping"));
    // A node that nothing asks for may be of any op.
    CHECK(error_of({{"x", x}}, {{"y", relu(x)}}).empty());

    const std::string same_name = error_of({{"x", x}}, {{"y", apply(std::make_shared<OtherClip>(), {x})}});
    CHECK(contains(same_name, "no attribute \"low\""));
    CHECK(contains(same_name, "onnx_test.cpp:"));
    const Tensor pooled = graph.input("pooled", {1, 1, 2, 2});
    const Tensor spread = sum_unpool2d(pooled, {.kernel = {3, 3}, .stride = {2, 2}}, {5, 5});
    CHECK(contains(error_of({{"x", pooled}}, {{"y", spread}}), "overlap or leave gaps"));
}

TEST_CASE("inputs and outputs of an ONNX model are checked") {
    Graph graph, another;
    const Tensor x = graph.input("x", {2, 3}), z = graph.input("z", {2, 3}), y = x + z;
    CHECK(error_of({{"x", x}, {"z", z}}, {{"y", y}}).empty());
    CHECK(contains(error_of({{"x", x}}, {{"y", y}}), "need"));
    CHECK(contains(error_of({{"x", x}}, {{"y", y}}), "not among its inputs"));
    CHECK(contains(error_of({{"x", y}}, {{"y", y}}), "no input of the graph"));
    CHECK(contains(error_of({{"x", x}, {"z", z}}, {{"x", y}}), "called \"x\""));
    CHECK(contains(error_of({{"", x}, {"z", z}}, {{"y", y}}), "has no name"));
    CHECK(contains(error_of({{"x", x}}, {}), "without outputs"));
    CHECK(contains(error_of({{"x", another.input("x", {2})}}, {{"y", y}}), "of another graph"));
    CHECK(contains(error_of({{"x", Tensor()}}, {{"y", y}}), "an empty tensor"));
    CHECK(contains(error_of({{"x", x}}, {{"y", reshape(slice(x, {0, 0}, {1, 1}), {})}}, {.batch = "n"}),
                   "no extent"));
}

TEST_CASE("an ONNX model has what the outputs need, under names of its own") {
    Graph graph;
    const Variable weight("weight", Shape{3}, 2.0F), unused("unused", Shape{3}, 2.0F);
    const Tensor x = graph.input("x", {2, 3});
    // Named as the input is, and twice.
    const Tensor first = (x * graph.read(weight)).named("x"), second = relu(first).named("x");
    exp(graph.read(unused));
    const std::string model =
        text_of(encode_onnx(std::vector<NamedTensor>{{"x", x}}, std::vector<NamedTensor>{{"y", second}}));
    CHECK(count_of(model, "weight") == 2);  // the initializer and the node that takes it
    CHECK_FALSE(contains(model, "unused"));
    CHECK_FALSE(contains(model, "Expand"));  // ONNX broadcasts by itself
    CHECK(contains(model, "x_2"));
    CHECK(contains(model, "x_3"));
    CHECK(contains(model, "onnx_test.cpp:"));
}

TEST_CASE("a batch of any size gives one ONNX model where no node depends on it") {
    const auto model = [](std::size_t batch, bool depends) {
        Graph graph;
        const Tensor x = graph.input("x", {batch, 2, 3});
        const Tensor scale = graph.constant(1.0 / static_cast<double>(depends ? batch : 1));
        const Tensor y = reshape(slice(x, {0, 0, 0}, {batch, 1, 3}) * scale, {batch, 3});
        return encode_onnx(std::vector<NamedTensor>{{"x", x}}, std::vector<NamedTensor>{{"y", y}},
                           {.batch = "batch"});
    };
    CHECK(model(2, false) == model(5, false));
    CHECK(model(2, true) != model(5, true));
}
