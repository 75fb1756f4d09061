#include <duet/ops/convolution.hpp>

#include <array>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <duet/autodiff/gradient_tape.hpp>
#include <duet/data/safetensors.hpp>
#include <duet/graph/error.hpp>
#include <duet/graph/runtime/arena.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/shape_ops.hpp>

#include "evaluate.hpp"
#include "support.hpp"

using namespace duet;
using testing::contains;
using testing::distance;
using testing::message_of;
using testing::run_op;
using testing::values_of;
using testing::varied;

namespace {

using Pair = std::array<std::size_t, 2>;

/// A convolution of images to features, with the sizes of both sides.
struct Case {
    std::size_t batch, channels, features;
    Pair image, kernel;
    Convolution2d how;

    Pair size() const { return {room(0) / how.stride[0] + 1, room(1) / how.stride[1] + 1}; }
    Pair left_over() const { return {room(0) % how.stride[0], room(1) % how.stride[1]}; }
    std::size_t room(std::size_t axis) const {
        return image[axis] + 2 * how.padding[axis] - how.dilation[axis] * (kernel[axis] - 1) - 1;
    }
    Shape image_shape() const { return {batch, channels, image[0], image[1]}; }
    Shape feature_shape() const { return {batch, features, size()[0], size()[1]}; }
    Shape weight_shape() const { return {features, channels / how.groups, kernel[0], kernel[1]}; }

    /// Visits (image element, weight element, feature element) of every product.
    template <class Visit>
    void for_each_product(const Visit& visit) const {
        const std::size_t inputs = channels / how.groups, outputs = features / how.groups;
        const Pair pixels = size();
        for (std::size_t n = 0; n < batch; ++n)
            for (std::size_t o = 0; o < features; ++o)
                for (std::size_t c = 0; c < inputs; ++c)
                    for (std::size_t tap = 0; tap < kernel[0] * kernel[1]; ++tap)
                        for (std::size_t at = 0; at < pixels[0] * pixels[1]; ++at) {
                            const std::size_t y = at / pixels[1] * how.stride[0] +
                                                  tap / kernel[1] * how.dilation[0] - how.padding[0];
                            const std::size_t x = at % pixels[1] * how.stride[1] +
                                                  tap % kernel[1] * how.dilation[1] - how.padding[1];
                            if (y >= image[0] || x >= image[1]) continue;
                            const std::size_t channel = o / outputs * inputs + c;
                            visit(((n * channels + channel) * image[0] + y) * image[1] + x,
                                  (o * inputs + c) * kernel[0] * kernel[1] + tap,
                                  (n * features + o) * pixels[0] * pixels[1] + at);
                        }
    }
};

/// Shapes that take several tiles, several blocks of samples, channels or rows, and slices of channels or
/// groups.
std::vector<Case> cases() {
    return {
        {9, 20, 24, {14, 14}, {4, 4}, {{2, 2}, {1, 1}, {1, 1}, 1}},
        {5, 1, 64, {28, 28}, {4, 4}, {{2, 2}, {1, 1}, {1, 1}, 1}},
        {17, 40, 33, {6, 5}, {3, 3}, {{1, 1}, {1, 1}, {1, 1}, 1}},
        {1, 33, 48, {12, 13}, {3, 3}, {{1, 1}, {1, 1}, {1, 1}, 1}},
        {2, 3, 5, {50, 60}, {3, 3}, {{1, 1}, {1, 1}, {1, 1}, 1}},
        {3, 36, 24, {11, 9}, {3, 2}, {{2, 3}, {1, 0}, {1, 2}, 12}},
        {4, 70, 50, {12, 12}, {1, 1}, {}},
        {4, 70, 50, {3, 3}, {1, 1}, {}},
        {3, 8, 8, {64, 20}, {1, 1}, {{2, 2}, {0, 0}, {1, 1}, 1}},
        {2, 5, 7, {40, 41}, {5, 4}, {{3, 2}, {7, 5}, {2, 3}, 1}},
        {11, 32, 80, {14, 14}, {4, 4}, {{2, 2}, {1, 1}, {1, 1}, 1}},
        {3, 16, 16, {8, 15}, {4, 4}, {{2, 2}, {1, 1}, {1, 1}, 1}},
        {1, 48, 16, {20, 6}, {2, 3}, {{1, 1}, {0, 2}, {1, 1}, 1}},
        {2, 80, 144, {12, 16}, {3, 3}, {{1, 1}, {1, 1}, {1, 1}, 1}},
        {5, 16, 32, {13, 16}, {3, 3}, {{1, 1}, {0, 1}, {1, 1}, 1}},
        {2, 16, 16, {40, 23}, {6, 9}, {{2, 3}, {3, 0}, {1, 1}, 1}},
        {1, 16, 16, {9, 40}, {4, 6}, {{2, 3}, {5, 1}, {1, 1}, 1}},
        {2, 48, 16, {9, 18}, {3, 6}, {{1, 3}, {1, 1}, {1, 1}, 1}},
    };
}

struct Pass {
    std::string name;
    Tensor result;
    std::vector<Shape> shapes;
    std::vector<std::vector<double>> inputs;
    std::vector<double> expected;
};

/// The three functions of one case, with what plain loops make of the same numbers.
std::vector<Pass> passes(Graph& graph, const Case& c) {
    const std::string number = std::to_string(graph.size());
    const Tensor image = graph.input("image" + number, c.image_shape());
    const Tensor weight = graph.input("weight" + number, c.weight_shape());
    const Tensor features = graph.input("features" + number, c.feature_shape());
    const auto i = varied(image.shape(), 1), w = varied(weight.shape(), 2), f = varied(features.shape(), 3);
    std::vector<double> to_i(i.size()), to_w(w.size()), to_f(f.size());
    c.for_each_product([&](std::size_t at_i, std::size_t at_w, std::size_t at_f) {
        to_i[at_i] += w[at_w] * f[at_f];
        to_w[at_w] += i[at_i] * f[at_f];
        to_f[at_f] += i[at_i] * w[at_w];
    });
    return {{"conv2d", conv2d(image, weight, c.how), {image.shape(), weight.shape()}, {i, w}, to_f},
            {"conv_transpose2d",
             conv_transpose2d(features, weight, c.how, c.left_over()),
             {features.shape(), weight.shape()},
             {f, w},
             to_i},
            {"conv2d_weight_gradient",
             conv2d_weight_gradient(image, features, c.kernel, c.how),
             {image.shape(), features.shape()},
             {i, f},
             to_w}};
}

const Op& op_of(const Tensor& tensor) {
    return *tensor.graph().node(tensor.id()).op;
}

template <class T>
std::vector<std::vector<T>> converted(const std::vector<std::vector<double>>& values) {
    std::vector<std::vector<T>> result;
    result.reserve(values.size());
    for (const auto& one : values) result.emplace_back(one.begin(), one.end());
    return result;
}

template <class T>
std::vector<const T*> pointers(const std::vector<std::vector<T>>& values) {
    std::vector<const T*> result;
    result.reserve(values.size());
    for (const auto& one : values) result.push_back(one.data());
    return result;
}

template <class T>
double relative(const std::vector<T>& a, const std::vector<double>& b) {
    double difference = 0, norm = 0;
    for (std::size_t i = 0; i < b.size(); ++i) {
        difference += (a[i] - b[i]) * (a[i] - b[i]);
        norm += b[i] * b[i];
    }
    return std::sqrt(difference / norm);
}

}  // namespace

TEST_CASE_TEMPLATE("all passes are those of plain loops, whatever the order of the tiles", T, float, double) {
    std::size_t most_tiles = 0;
    for (const Case& c : cases()) {
        Graph graph;
        for (const Pass& pass : passes(graph, c)) {
            INFO(pass.name, " of ", to_string(c.image_shape()), " by ", to_string(c.weight_shape()));
            const Op& op = op_of(pass.result);
            const auto inputs = converted<T>(pass.inputs);
            const Shape& output = pass.result.shape();
            REQUIRE(output.elements() == pass.expected.size());
            const auto result = run_op<T>(op, pass.shapes, output, pointers(inputs));
            CHECK(relative(result, pass.expected) < (sizeof(T) == 4 ? 2e-6 : 1e-14));
            const auto reversed = run_op<T>(op, pass.shapes, output, pointers(inputs), 0, true);
            const int difference = std::memcmp(result.data(), reversed.data(), result.size() * sizeof(T));
            CHECK(difference == 0);
            most_tiles = std::max(most_tiles, op.tiles({pass.shapes, output}));
        }
    }
    CHECK(most_tiles > 4);
}

TEST_CASE("a tile writes its region and nothing else; the regions are the whole output") {
    for (const Case& c : cases()) {
        Graph graph;
        for (const Pass& pass : passes(graph, c)) {
            const Op& op = op_of(pass.result);
            if (!op.accepts_epilogue()) continue;
            INFO(pass.name, " of ", to_string(c.image_shape()), " by ", to_string(c.weight_shape()));
            const auto inputs = converted<float>(pass.inputs);
            const auto in = pointers(inputs);
            const Signature signature{pass.shapes, pass.result.shape()};
            std::vector<float> workspace(op.workspace(signature)), scratch(op.scratch(signature));
            std::vector<int> covered(pass.expected.size());
            bool only_region = true;
            for (std::size_t tile = 0; tile < op.tiles(signature); ++tile) {
                std::vector<float> output(covered.size(), NAN);
                op.run(Kernel<float>{pass.shapes, signature.output, in, output.data(), workspace.data(),
                                     scratch.data(), tile, 0});
                const Region region = op.region(signature, tile);
                std::vector<int> inside(output.size());
                for (std::size_t i = 0; i < region.rows; ++i)
                    for (std::size_t j = 0; j < region.length; ++j)
                        ++inside[region.begin + i * region.stride + j];
                for (std::size_t i = 0; i < output.size(); ++i) {
                    only_region = only_region && (inside[i] == 1) == !std::isnan(output[i]);
                    covered[i] += inside[i];
                }
            }
            CHECK(only_region);
            CHECK(covered == std::vector<int>(covered.size(), 1));
        }
    }
}

TEST_CASE("workspace and scratch memory are bounded, however large the batch") {
    for (const std::size_t batch : {64, 4096}) {
        Graph graph;
        const Tensor x = graph.input("x", {batch, 64, 14, 14}), w = graph.input("w", {128, 64, 4, 4});
        const Convolution2d how{{2, 2}, {1, 1}, {1, 1}, 1};
        const Tensor y = conv2d(x, w, how);
        const std::size_t lowered = batch * 49 * 1024;
        const std::vector<Shape> forward{x.shape(), w.shape()}, both{x.shape(), y.shape()};
        const auto memory = [](const Tensor& result, const std::vector<Shape>& inputs) {
            const Signature signature{inputs, result.shape()};
            return op_of(result).workspace(signature) + op_of(result).scratch(signature);
        };
        CHECK(memory(y, forward) < std::size_t{1} << 20);
        CHECK(memory(conv2d_weight_gradient(x, y, {4, 4}, how), both) < std::size_t{3} << 20);
        CHECK(lowered > std::size_t{3} << 20);
    }
}

TEST_CASE("minimal filtering rounds no worse than direct sums") {
    const std::vector<Case> filtered{{4, 64, 32, {14, 14}, {4, 4}, {{2, 2}, {1, 1}, {1, 1}, 1}},
                                     {2, 64, 32, {12, 12}, {3, 3}, {{1, 1}, {1, 1}, {1, 1}, 1}}};
    for (const Case& c : filtered) {
        Graph graph;
        const auto all = passes(graph, c);
        const auto i = converted<float>({all[0].inputs[0]})[0], w = converted<float>({all[0].inputs[1]})[0],
                   f = converted<float>({all[1].inputs[0]})[0];
        std::vector<float> to_i(i.size()), to_w(w.size()), to_f(f.size());
        c.for_each_product([&](std::size_t at_i, std::size_t at_w, std::size_t at_f) {
            to_i[at_i] = std::fma(w[at_w], f[at_f], to_i[at_i]);
            to_w[at_w] = std::fma(i[at_i], f[at_f], to_w[at_w]);
            to_f[at_f] = std::fma(i[at_i], w[at_w], to_f[at_f]);
        });
        const std::vector<std::vector<float>> direct{to_f, to_i, to_w};
        for (std::size_t pass = 0; pass < all.size(); ++pass) {
            INFO(all[pass].name, " by ", to_string(c.weight_shape()));
            const auto inputs = converted<float>(all[pass].inputs);
            const auto result = run_op<float>(op_of(all[pass].result), all[pass].shapes,
                                              all[pass].result.shape(), pointers(inputs));
            CHECK(relative(result, all[pass].expected) < 1.2 * relative(direct[pass], all[pass].expected));
        }
    }
}

TEST_CASE("operations are counted as they are done") {
    const auto flops = [](std::size_t channels) {
        Graph graph;
        const Tensor x = graph.input("x", {2, channels, 14, 14}), w = graph.input("w", {32, channels, 4, 4});
        const Tensor y = conv2d(x, w, {.stride = {2, 2}, .padding = {1, 1}});
        const std::vector<Shape> inputs{x.shape(), w.shape()};
        return op_of(y).flops({inputs, y.shape()});
    };
    CHECK(flops(24) == 2.0 * 2 * 49 * 32 * 24 * 16);
    CHECK(flops(32) == 2.0 * 2 * 100 * 32 * 32 * 4);
}

TEST_CASE("programs give the same bits on any number of threads, and epilogues change none") {
    for (const Case& c : cases()) {
        std::vector<std::vector<double>> first;
        for (const std::size_t threads : {1, 2, 3, 8}) {
            Graph graph;
            std::vector<Tensor> results;
            std::vector<ArrayOf<float>> arrays;
            std::vector<FeedOf<float>> feeds;
            const auto all = passes(graph, c);
            arrays.reserve(all.size() * 2);
            const std::vector<Tensor> inputs{{graph, 0}, {graph, 1}, {graph, 2}};
            const std::vector<std::vector<double>> values{all[0].inputs[0], all[0].inputs[1],
                                                          all[1].inputs[0]};
            for (std::size_t i = 0; i < inputs.size(); ++i) {
                arrays.push_back(testing::array<float>(inputs[i].shape(), values[i]));
                feeds.push_back({inputs[i], arrays[i]});
            }
            results.reserve(all.size());
            for (const Pass& pass : all) results.push_back(leaky_relu(pass.result + 0.25, 0.2));
            auto program = compile<float>(graph, results, {}, Arena(threads));
            program.run(feeds);
            for (std::size_t i = 0; i < results.size(); ++i) {
                if (threads == 1) {
                    first.push_back(values_of(program[i]));
                } else {
                    CHECK_MESSAGE(values_of(program[i]) == first[i],
                                  all[i].name << " on " << threads << " threads");
                }
            }
        }
    }
}

TEST_CASE_TEMPLATE("values, gradients and their gradients are PyTorch's", T, float, double) {
    const std::string path = DUET_SOURCE_DIR "/tests/fixtures/convolution.safetensors";
    const auto file = read_safetensors_as<T>(path);
    const auto exact = read_safetensors_as<double>(path);
    const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-10;
    for (const std::string name :
         {"plain", "pointwise", "dcgan", "one_channel", "left_over", "wide_stride", "dilation", "groups",
          "depthwise", "one_row", "whole", "one_pixel", "two_taps", "three_taps"})
        for (const std::string function : {"conv2d", "conv_transpose2d"}) {
            std::string prefix = name;
            prefix.append("/").append(function).append("/");
            const auto attributes = values_of(*exact.find(name + "/attributes"));
            const auto pair = [&](std::size_t i) {
                return Pair{static_cast<std::size_t>(attributes[i]),
                            static_cast<std::size_t>(attributes[i + 1])};
            };
            const Convolution2d how{pair(0), pair(2), pair(4), static_cast<std::size_t>(attributes[6])};
            Graph graph;
            std::vector<ArrayOf<T>> arrays;
            std::vector<Tensor> inputs;
            for (const char* input : {"input", "weight", "seed", "direction_input", "direction_weight"}) {
                arrays.push_back(*file.find(prefix + input));
                inputs.push_back(graph.input(input, shape_of(arrays.back())));
            }
            GradientTape tape(graph);
            const Tensor output = function == "conv2d" ? conv2d(inputs[0], inputs[1], how)
                                                       : conv_transpose2d(inputs[0], inputs[1], how, pair(7));
            const Tensor by_input = tape.gradient(output, inputs[0], inputs[2]);
            const Tensor by_weight = tape.gradient(output, inputs[1], inputs[2]);
            const Tensor along = sum(by_input * inputs[3]) + sum(by_weight * inputs[4]);
            std::vector<Tensor> fetches{output, by_input, by_weight};
            for (std::size_t i = 0; i < 3; ++i) fetches.push_back(tape.gradient(along, inputs[i]));
            auto program = compile<T>(graph, fetches);
            std::vector<FeedOf<T>> feeds;
            for (std::size_t i = 0; i < inputs.size(); ++i) feeds.push_back({inputs[i], arrays[i]});
            program.run(feeds);
            const std::vector<std::string> names{"output",       "gradient_input", "gradient_weight",
                                                 "second_input", "second_weight",  "second_seed"};
            for (std::size_t i = 0; i < names.size(); ++i)
                CHECK_MESSAGE(distance(program[i], values_of(*exact.find(prefix + names[i]))) < tolerance,
                              prefix << names[i]);
        }
}

TEST_CASE("a kernel over the whole image is a product of matrices") {
    Graph graph;
    const Tensor image = graph.input("image", {3, 2, 4, 5}), weight = graph.input("weight", {6, 2, 4, 5});
    const Tensor pixel = graph.input("pixel", {3, 6, 1, 1});
    for (const Tensor& result : {conv2d(image, weight), conv_transpose2d(pixel, weight),
                                 conv2d_weight_gradient(image, pixel, {4, 5})}) {
        const Node& node = graph.node(result.id());
        REQUIRE(node.op->name() == "reshape");
        CHECK(graph.node(node.inputs[0]).op->name() == "matmul");
    }
    CHECK(conv2d(image, weight).shape() == Shape{3, 6, 1, 1});
    CHECK(conv_transpose2d(pixel, weight).shape() == Shape{3, 2, 4, 5});
}

TEST_CASE("shape errors say what does not fit and what would") {
    Graph graph;
    const Tensor x = graph.input("x", {2, 4, 5, 6}), w = graph.input("w", {3, 4, 3, 3});
    const auto message = [](const auto& action) { return message_of<ShapeError>(action); };
    const std::string channels = message([&] { conv2d(x, graph.input("v", {3, 5, 3, 3})); });
    CHECK(contains(channels, "conv2d"));
    CHECK(contains(channels, "the image has 4 channels, the weight's axis 1 has 5: make them equal"));
    CHECK(contains(message([&] {
                       conv2d(x, graph.input("u", {4, 4, 3, 3}), {.groups = 2});
                   }),
                   "4 channels, 2 a group, the weight's axis 1 has 4"));
    CHECK(contains(message([&] { conv2d(x, w, {.groups = 3}); }),
                   "4 channels of the image cannot be divided among 3 groups"));
    CHECK(contains(message([&] {
                       conv2d(x, graph.input("t", {3, 2, 3, 3}), {.groups = 2});
                   }),
                   "3 channels of the result cannot be divided among 2 groups"));
    CHECK(contains(message([&] { conv2d(x, w, {.groups = 0}); }), "at least one group"));
    CHECK(contains(message([&] {
                       conv2d(x, graph.input("s", {3, 4, 9, 3}), {.padding = {1, 0}});
                   }),
                   "reaches over 9 pixels along the height, the image with its padding has 7: 5 + 2 * 1; pad "
                   "by at least 2"));
    CHECK(contains(message([&] {
                       conv2d(x, w, {.dilation = {1, 3}});
                   }),
                   "reaches over 7 pixels along the width"));
    CHECK(contains(message([&] { conv2d(x, w, {.stride = {1, 0}}); }), "at least 1 along the width"));
    CHECK(contains(message([&] {
                       conv2d(x, w, {.padding = {std::size_t{1} << 62, 0}});
                   }),
                   "must not exceed"));
    CHECK(contains(message([&] { conv2d(reshape(x, {2, 120}), w); }), "argument 1 must have four axes"));
    CHECK(contains(message([&] { conv2d(x, reshape(w, {108})); }), "argument 2 must have four axes"));
    CHECK(contains(message([&] { conv_transpose2d(x, w); }),
                   "argument 1 has 4 channels, the weight's axis 0 has 3"));
    CHECK(contains(message([&] {
                       conv2d(x, w, {.padding = {40000, 40000}});
                   }),
                   "has more than 2147483647 pixels"));
    const Tensor v = graph.input("transposed", {4, 3, 3, 3});
    CHECK(contains(message([&] {
                       conv_transpose2d(x, v, {.stride = {2, 2}}, {0, 2});
                   }),
                   "output padding along the width, 2, must be smaller than the stride, 2"));
    CHECK(contains(message([&] {
                       conv_transpose2d(x, v, {.padding = {4, 0}});
                   }),
                   "nothing is left along the height: 7 pixels less 2 * 4"));
    CHECK(conv_transpose2d(x, v, {.stride = {2, 2}}, {1, 0}).shape() == Shape{2, 3, 12, 13});
    CHECK(contains(message([&] {
                       conv2d_weight_gradient(x, x, {3, 3});
                   }),
                   "must have the shape of the convolution's result, (2, 4, 3, 4)"));
}
