#include <array>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/autodiff/gradient_tape.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/broadcast.hpp>
#include <duet/ops/channel_affine.hpp>
#include <duet/ops/convolution.hpp>
#include <duet/ops/indexing.hpp>
#include <duet/ops/matmul.hpp>
#include <duet/ops/moments.hpp>
#include <duet/ops/pooling.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/shape_ops.hpp>

#include "op_cases.hpp"

namespace duet {

namespace {

using Inputs = std::vector<Tensor>;
using Pair = std::array<std::size_t, 2>;

constexpr double little = 1e-10;

void add_elementwise(std::vector<OpCase>& cases) {
    const std::vector<Shape> one{{3, 4}};
    for (const double slope : {0.2 + little, 0.3})
        cases.push_back({"LeakyRelu", fmt::format("leaky_relu, slope {}", slope),
                         [=](Graph&, const Inputs& x) { return leaky_relu(x[0], slope); }, one, -2, 2});
    for (const double alpha : {1.5 + little, 1.25})
        cases.push_back({"Elu", fmt::format("elu, alpha {}", alpha),
                         [=](Graph&, const Inputs& x) { return elu(x[0], alpha); }, one, -2, -0.1});
    for (const double exponent : {1.7 + little, 1.75})
        cases.push_back({"Power", fmt::format("power {}", exponent),
                         [=](Graph&, const Inputs& x) { return power(x[0], exponent); }, one, 0.5, 2});
    for (const auto& [low, high] : {std::pair{-1.25, 0.75}, {-1.25 + little, 0.75}, {-1.25, 0.75 + little}})
        cases.push_back({"Clip", fmt::format("clip to [{}, {}]", low, high),
                         [low = low, high = high](Graph&, const Inputs& x) { return clip(x[0], low, high); },
                         one, -2, 2});
}

void add_reductions(std::vector<OpCase>& cases) {
    for (const Axes& axes : {Axes{1}, Axes{0, 1}, Axes{1, 2}})
        cases.push_back({"Max",
                         fmt::format("max over {} axes from {}", axes.size(), axes.front()),
                         [=](Graph&, const Inputs& x) { return max(x[0], axes); },
                         {{2, 3, 2}},
                         -2,
                         2});
    for (const std::ptrdiff_t axis : {0, 2})
        cases.push_back({"Moments",
                         fmt::format("moments over axis {}", axis),
                         [=](Graph&, const Inputs& x) {
                             const MeanAndVariance of = moments(x[0], {axis});
                             return of.mean * of.variance;
                         },
                         {{3, 2, 4}},
                         -2,
                         2});
}

void add_shape_ops(std::vector<OpCase>& cases) {
    using Extents = std::vector<std::size_t>;
    for (const std::size_t axis : {0, 1}) {
        cases.push_back({"Concat",
                         fmt::format("concat of squares along axis {}", axis),
                         [=](Graph&, const Inputs& x) {
                             return concat({x[0], x[1]}, axis);
                         },
                         {{2, 2}, {2, 2}},
                         -2,
                         2});
        cases.push_back({"ChannelAffine",
                         fmt::format("channel_scale of a square from axis {}", axis),
                         [=](Graph&, const Inputs& x) { return channel_scale(x[0], axis, x[1]); },
                         {{3, 3}, {3}},
                         -2,
                         2});
    }
    for (const auto& [begin, end] : {std::pair{Extents{0, 0}, Extents{3, 2}}, {{1, 0}, {2, 2}}})
        cases.push_back(
            {"Slice",
             fmt::format("slice from row {} to {}", begin[0], end[0]),
             [begin = begin, end = end](Graph&, const Inputs& x) { return slice(x[0], begin, end); },
             {{3, 4}},
             -2,
             2});
    for (const auto& [before, after] : {std::pair{Extents{0, 0}, Extents{0, 2}}, {{1, 0}, {0, 1}}})
        cases.push_back(
            {"Pad",
             fmt::format("pad by {} and {}", before[0], after[1]),
             [before = before, after = after](Graph&, const Inputs& x) { return pad(x[0], before, after); },
             {{3, 4}},
             -2,
             2});
    for (const Axes& axes : {Axes{0, 2, 1}, Axes{2, 1, 0}})
        cases.push_back({"Transpose",
                         fmt::format("transpose, axis {} first", axes.front()),
                         [=](Graph&, const Inputs& x) { return transpose(x[0], axes); },
                         {{2, 3, 4}},
                         -2,
                         2});
    cases.push_back({"OneHot",
                     "one_hot of other classes",
                     [](Graph& graph, const Inputs& x) {
                         return x[0] * one_hot(graph.constant(indices_of({3, 0, 1})), 5);
                     },
                     {{3, 5}},
                     -2,
                     2});
    for (const auto& [first, second] : {std::pair{false, false}, {true, false}, {false, true}})
        cases.push_back({"MatMul",
                         fmt::format("matmul of squares, transposed {} and {}", first, second),
                         [first = first, second = second](Graph&, const Inputs& x) {
                             return matmul(x[0], x[1], first, second);
                         },
                         {{3, 3}, {3, 3}},
                         -2,
                         2});
}

/// Ops that take over the one that makes their input.
void add_absorbing(std::vector<OpCase>& cases) {
    const auto add = [&](const char* op_class, const char* name, const std::vector<Shape>& shapes,
                         const auto& build) {
        cases.push_back({op_class, name, build, shapes, -2, 2});
    };
    add("MatMul", "matmul of a transposed matrix", {{4, 3}, {4, 2}},
        [](Graph&, const Inputs& x) { return matmul(transpose(x[0]), x[1]); });
    add("MatMul", "matmul by a transposed matrix", {{3, 4}, {2, 4}},
        [](Graph&, const Inputs& x) { return matmul(x[0], transpose(x[1])); });
    add("Transpose", "transpose of a transpose", {{2, 3, 4}}, [](Graph&, const Inputs& x) {
        return transpose(transpose(x[0], {1, 2, 0}), {0, 2, 1});
    });
    add("Reshape", "reshape of a reshape", {{3, 4}}, [](Graph&, const Inputs& x) {
        return reshape(reshape(x[0], {2, 6}), {4, 3});
    });
    add("BroadcastTo", "broadcast_to of a broadcast_to", {{3, 1}}, [](Graph&, const Inputs& x) {
        return broadcast_to(broadcast_to(x[0], {3, 4}), {2, 3, 4});
    });
}

/// Windows of which each differs from the first in one number; 7 x 7 pixels have two by two of each.
std::vector<Pool2d> pools() {
    std::vector<Pool2d> all{{{3, 3}, {4, 4}, {1, 1}}};
    for (std::size_t axis = 0; axis < 2; ++axis) {
        Pool2d kernel = all[0], stride = all[0], padding = all[0];
        --kernel.kernel[axis];
        ++stride.stride[axis];
        --padding.padding[axis];
        all.insert(all.end(), {kernel, stride, padding});
    }
    return all;
}

void add_pools(std::vector<OpCase>& cases) {
    const Shape images{2, 2, 7, 7}, pooled{2, 2, 2, 2};
    for (const Pool2d& how : pools()) {
        const std::string name = fmt::format("kernel {}, stride {}, padding {}", fmt::join(how.kernel, "x"),
                                             fmt::join(how.stride, "x"), fmt::join(how.padding, "x"));
        cases.push_back({"SumPool",
                         "sum_pool2d, " + name,
                         [=](Graph&, const Inputs& x) { return sum_pool2d(x[0], how); },
                         {images},
                         -2,
                         2});
        cases.push_back({"SumUnpool",
                         "sum_unpool2d, " + name,
                         [=](Graph&, const Inputs& x) {
                             return sum_unpool2d(x[0], how, {7, 7});
                         },
                         {pooled},
                         -2,
                         2});
        cases.push_back({"MaxPoolPlaces",
                         "max_pool2d, " + name,
                         [=](Graph&, const Inputs& x) { return max_pool2d(x[0], how); },
                         {images},
                         -2,
                         2});
    }
    for (const Pair& extents : {Pair{7, 8}, Pair{8, 7}}) {
        cases.push_back(
            {"SumUnpool",
             fmt::format("sum_unpool2d to {}", fmt::join(extents, "x")),
             [=, how = pools()[0]](Graph&, const Inputs& x) { return sum_unpool2d(x[0], how, extents); },
             {pooled},
             -2,
             2});
        cases.push_back({"AddAt",
                         fmt::format("the gradient of max_pool2d of {}", fmt::join(extents, "x")),
                         [](Graph& graph, const Inputs& x) {
                             return GradientTape(graph).gradient(max_pool2d(x[0], pools()[0]), x[0], x[1]);
                         },
                         {{2, 2, extents[0], extents[1]}, pooled},
                         -2,
                         2});
    }
}

/// Convolutions of which each differs from the first in one number; a kernel of 2 x 2 finds two by two places
/// on 7 x 7 pixels.
std::vector<Convolution2d> convolutions() {
    std::vector<Convolution2d> all{{{4, 4}, {0, 0}, {1, 1}, 1}};
    for (std::size_t axis = 0; axis < 2; ++axis) {
        Convolution2d stride = all[0], padding = all[0], dilation = all[0];
        ++stride.stride[axis];
        ++padding.padding[axis];
        ++dilation.dilation[axis];
        all.insert(all.end(), {stride, padding, dilation});
    }
    return all;
}

std::string name_of(const Convolution2d& how) {
    return fmt::format("stride {}, padding {}, dilation {}, groups {}", fmt::join(how.stride, "x"),
                       fmt::join(how.padding, "x"), fmt::join(how.dilation, "x"), how.groups);
}

OpCase transposed(const std::string& name, const std::vector<Shape>& shapes, const Convolution2d& how,
                  Pair output_padding) {
    return {"ConvTranspose2d",
            "conv_transpose2d, " + name,
            [=](Graph&, const Inputs& x) { return conv_transpose2d(x[0], x[1], how, output_padding); },
            shapes,
            -1,
            1};
}

OpCase weight_gradient(const std::string& name, const std::vector<Shape>& shapes, const Convolution2d& how,
                       Pair kernel) {
    return {"Conv2dWeightGradient",
            "conv2d_weight_gradient, " + name,
            [=](Graph&, const Inputs& x) { return conv2d_weight_gradient(x[0], x[1], kernel, how); },
            shapes,
            -1,
            1};
}

void add_convolutions(std::vector<OpCase>& cases) {
    const Shape image{1, 2, 7, 7}, features{1, 2, 2, 2}, weight{2, 2, 2, 2};
    for (const Convolution2d& how : convolutions()) {
        cases.push_back({"Conv2d",
                         "conv2d, " + name_of(how),
                         [=](Graph&, const Inputs& x) { return conv2d(x[0], x[1], how); },
                         {image, weight},
                         -1,
                         1});
        cases.push_back(transposed(name_of(how), {features, weight}, how, {1, 1}));
        cases.push_back(weight_gradient(name_of(how), {image, features}, how, {2, 2}));
    }
    Convolution2d grouped = convolutions()[0];
    grouped.groups = 2;
    cases.push_back(transposed(name_of(grouped), {features, weight}, grouped, {1, 1}));
    cases.push_back(weight_gradient(name_of(grouped), {image, features}, grouped, {2, 2}));
    for (const Pair& pair : {Pair{2, 3}, Pair{3, 2}}) {
        cases.push_back(weight_gradient(fmt::format("kernel {}", fmt::join(pair, "x")), {image, features},
                                        convolutions()[0], pair));
        cases.push_back(transposed(fmt::format("output padding {}", fmt::join(pair, "x")), {features, weight},
                                   convolutions()[0], pair));
    }
}

/// Convolutions whose weight, or features, are arranged for them in the same place and are not the same.
void add_arranged(std::vector<OpCase>& cases) {
    const std::vector<Shape> shapes{{4, 16, 7, 7}, {16, 64, 3, 3}};
    std::vector<Convolution2d> all{{{1, 1}, {0, 0}, {2, 2}, 1}, {{1, 1}, {0, 0}, {2, 2}, 2}};
    for (std::size_t axis = 0; axis < 2; ++axis) {
        Convolution2d first = all[0];
        first.stride[axis] = 2;
        first.dilation[axis] = 1;
        Convolution2d stride = first, padding = first, dilation = first;
        --stride.stride[axis];
        ++padding.padding[axis];
        ++dilation.dilation[axis];
        all.insert(all.end(), {first, stride, padding, dilation});
    }
    for (const Convolution2d& how : all)
        cases.push_back(transposed("arranged, " + name_of(how), shapes, how, {0, 0}));
    const Shape features{1, 16, 6, 6};
    for (const Pair& kernel : {Pair{3, 2}, Pair{2, 3}, Pair{3, 3}})
        cases.push_back(weight_gradient(fmt::format("minimal filtering, kernel {}", fmt::join(kernel, "x")),
                                        {{1, 208, 5 + kernel[0], 5 + kernel[1]}, features}, {}, kernel));
}

}  // namespace

std::vector<OpCase> variant_cases() {
    std::vector<OpCase> cases;
    add_elementwise(cases);
    add_reductions(cases);
    add_shape_ops(cases);
    add_absorbing(cases);
    add_pools(cases);
    add_convolutions(cases);
    add_arranged(cases);
    return cases;
}

}  // namespace duet
