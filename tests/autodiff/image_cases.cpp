#include <array>
#include <string>

#include <duet/autodiff/gradient_tape.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/convolution.hpp>
#include <duet/ops/pooling.hpp>
#include <duet/ops/resampling.hpp>
#include <duet/ops/shape_ops.hpp>

#include "op_cases.hpp"

namespace duet {

namespace {

using Inputs = std::vector<Tensor>;

std::vector<OpCase> make_cases() {
    return {
        {"SumPool",
         "sum_pool2d",
         [](Graph&, const Inputs& x) {
             return sum_pool2d(x[0], {{3, 2}, {2, 1}, {1, 0}});
         },
         {{2, 1, 4, 3}},
         -2,
         2},
        {"SumPool",
         "avg_pool2d without its padding",
         [](Graph&, const Inputs& x) {
             return avg_pool2d(x[0], {{2, 2}, {1, 2}, {1, 1}}, false);
         },
         {{1, 2, 3, 4}},
         -2,
         2},
        {"SumUnpool",
         "sum_unpool2d",
         [](Graph&, const Inputs& x) {
             return sum_unpool2d(x[0], {{3, 2}, {2, 1}, {1, 0}}, {4, 3});
         },
         {{2, 1, 2, 2}},
         -2,
         2},
        {"SumUnpool",
         "upsample_nearest2d",
         [](Graph&, const Inputs& x) { return upsample_nearest2d(x[0], 2); },
         {{1, 2, 2, 3}},
         -2,
         2},
        {"MaxPoolPlaces",
         "max_pool2d",
         [](Graph&, const Inputs& x) { return max_pool2d(x[0]); },
         {{1, 2, 3, 4}},
         -2,
         2},
        {"TakeAt",
         "max_pool2d, overlapping",
         [](Graph&, const Inputs& x) {
             return max_pool2d(x[0] * x[1], {{3, 3}, {1, 2}, {1, 1}});
         },
         {{1, 2, 3, 4}, {1, 2, 3, 4}},
         0.5,
         2},
        {"AddAt",
         "the gradient of max_pool2d",
         [](Graph& graph, const Inputs& x) {
             return GradientTape(graph).gradient(max_pool2d(x[0]), x[0], x[1]);
         },
         {{1, 1, 2, 4}, {1, 1, 1, 2}},
         -2,
         2},
        {"AddAt",
         "max_pool2d twice of one image",
         [](Graph&, const Inputs& x) {
             return square(max_pool2d(x[0])) +
                    exp(slice(max_pool2d(x[0], {{2, 1}}), {0, 0, 0, 0}, {1, 1, 1, 2}));
         },
         {{1, 1, 2, 4}},
         -1,
         1},
        {"MatMul",
         "upsample_bilinear2d",
         [](Graph&, const Inputs& x) { return upsample_bilinear2d(x[0], 2); },
         {{1, 2, 2, 3}},
         -2,
         2},
        {"Transpose",
         "pixel_shuffle",
         [](Graph&, const Inputs& x) { return pixel_shuffle(x[0], 2); },
         {{1, 4, 1, 3}},
         -2,
         2},
    };
}

using Pair = std::array<std::size_t, 2>;

struct Convolution {
    std::string name;
    std::size_t batch, channels, features;
    Pair image, kernel;
    Convolution2d how;
};

/// Strides that divide and that do not, axes of size 1, kernels that cover the image, dilation, groups, and
/// more samples than one block takes.
std::vector<Convolution> convolutions() {
    return {
        {"plain", 2, 3, 2, {5, 4}, {3, 2}, {}},
        {"pointwise", 2, 3, 4, {3, 2}, {1, 1}, {}},
        {"pointwise, stride", 1, 2, 3, {4, 5}, {1, 1}, {.stride = {2, 3}}},
        {"k4 s2 p1", 2, 2, 3, {6, 6}, {4, 4}, {{2, 2}, {1, 1}, {1, 1}, 1}},
        {"strides that leave pixels over", 2, 2, 2, {8, 7}, {3, 2}, {{3, 4}, {0, 1}, {1, 1}, 1}},
        {"stride beyond the kernel", 1, 1, 2, {7, 9}, {2, 1}, {{3, 5}, {0, 0}, {1, 1}, 1}},
        {"dilation", 1, 2, 2, {7, 8}, {3, 2}, {{1, 2}, {2, 1}, {2, 3}, 1}},
        {"dilation beyond the stride", 1, 1, 1, {9, 9}, {3, 3}, {{2, 2}, {1, 0}, {3, 4}, 1}},
        {"groups", 2, 4, 6, {4, 5}, {3, 3}, {{1, 2}, {1, 1}, {1, 1}, 2}},
        {"a group a channel", 1, 3, 6, {4, 4}, {2, 2}, {{2, 2}, {0, 0}, {1, 1}, 3}},
        {"one channel", 3, 1, 1, {5, 5}, {3, 3}, {{2, 2}, {1, 1}, {1, 1}, 1}},
        {"one row", 2, 2, 3, {1, 6}, {1, 3}, {{1, 1}, {0, 1}, {1, 1}, 1}},
        {"one column, padding beyond the kernel", 1, 2, 1, {4, 1}, {2, 1}, {{1, 2}, {3, 2}, {1, 1}, 1}},
        {"kernel over the image", 3, 2, 2, {2, 3}, {2, 3}, {}},
        {"one pixel of features", 2, 2, 3, {2, 2}, {4, 4}, {{2, 2}, {1, 1}, {1, 1}, 1}},
        {"minimal filtering, two taps a phase", 2, 16, 16, {14, 9}, {4, 4}, {{2, 2}, {1, 1}, {1, 1}, 1}},
        {"minimal filtering, three taps", 2, 16, 32, {6, 5}, {3, 3}, {{1, 1}, {1, 1}, {1, 1}, 1}},
        {"minimal filtering, two taps, another image",
         1,
         16,
         16,
         {9, 12},
         {4, 4},
         {{2, 2}, {1, 1}, {1, 1}, 1}},
        {"minimal filtering, three taps, another image",
         3,
         16,
         32,
         {4, 8},
         {3, 3},
         {{1, 1}, {1, 1}, {1, 1}, 1}},
    };
}

void add_convolutions(std::vector<OpCase>& cases) {
    for (const Convolution& c : convolutions()) {
        const Shape image{c.batch, c.channels, c.image[0], c.image[1]};
        const Shape weight{c.features, c.channels / c.how.groups, c.kernel[0], c.kernel[1]};
        Pair size, left_over;
        for (std::size_t axis = 0; axis < 2; ++axis) {
            const std::size_t room =
                c.image[axis] + 2 * c.how.padding[axis] - c.how.dilation[axis] * (c.kernel[axis] - 1) - 1;
            size[axis] = room / c.how.stride[axis] + 1;
            left_over[axis] = room % c.how.stride[axis];
        }
        const Shape features{c.batch, c.features, size[0], size[1]};
        cases.push_back({"Conv2d",
                         "conv2d, " + c.name,
                         [how = c.how](Graph&, const Inputs& x) { return conv2d(x[0], x[1], how); },
                         {image, weight},
                         -1,
                         1});
        cases.push_back({"ConvTranspose2d",
                         "conv_transpose2d, " + c.name,
                         [how = c.how, left_over](Graph&, const Inputs& x) {
                             return conv_transpose2d(x[0], x[1], how, left_over);
                         },
                         {features, weight},
                         -1,
                         1});
        cases.push_back({"Conv2dWeightGradient",
                         "conv2d_weight_gradient, " + c.name,
                         [how = c.how, kernel = c.kernel](Graph&, const Inputs& x) {
                             return conv2d_weight_gradient(x[0], x[1], kernel, how);
                         },
                         {image, features},
                         -1,
                         1});
    }
}

}  // namespace

std::vector<OpCase> image_cases() {
    std::vector<OpCase> cases = make_cases();
    add_convolutions(cases);
    return cases;
}

}  // namespace duet
