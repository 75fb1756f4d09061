#include "op_cases.hpp"

#include <algorithm>
#include <initializer_list>
#include <string>

#include <xtensor/xarray.hpp>

#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/broadcast.hpp>
#include <duet/ops/channel_affine.hpp>
#include <duet/ops/comparison.hpp>
#include <duet/ops/indexing.hpp>
#include <duet/ops/matmul.hpp>
#include <duet/ops/moments.hpp>
#include <duet/ops/random.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/shape_ops.hpp>
#include <duet/ops/shifting.hpp>
#include <duet/ops/stop_gradient.hpp>

namespace duet {

namespace {

using Inputs = std::vector<Tensor>;
using Build = std::function<Tensor(Graph&, const Inputs&)>;

Build unary(Tensor (*builder)(Operand)) {
    return [builder](Graph&, const Inputs& x) { return builder(x[0]); };
}

Build binary(Tensor (*builder)(Operand, Operand)) {
    return [builder](Graph&, const Inputs& x) { return builder(x[0], x[1]); };
}

/// The comparison of two inputs, drawn so far apart that no step changes it, as a factor.
Build factor(Tensor (*builder)(Operand, Operand)) {
    return [builder](Graph&, const Inputs& x) { return x[0] * builder(x[0], x[1]) + x[1]; };
}

std::vector<OpCase> make_cases() {
    const std::vector<Shape> same{{3, 4}, {3, 4}}, one{{3, 4}};
    return {
        {"Add", "add", binary(add), same, -2, 2},
        {"Add", "add, a row", binary(add), {{3, 4}, {4}}, -2, 2},
        {"Add", "add, a scalar", binary(add), {{}, {3, 4}}, -2, 2},
        {"Subtract", "subtract", binary(subtract), same, -2, 2},
        {"Subtract", "subtract, row and column", binary(subtract), {{3, 1}, {1, 4}}, -2, 2},
        {"Multiply", "multiply", binary(multiply), same, -2, 2},
        {"Multiply", "multiply, ranks 3 and 2", binary(multiply), {{2, 3, 4}, {3, 1}}, -2, 2},
        {"Multiply", "multiply by itself", [](Graph&, const Inputs& x) { return x[0] * x[0]; }, one, -2, 2},
        {"Divide", "divide", binary(divide), same, 0.5, 2},
        {"Divide", "divide, column and row", binary(divide), {{3, 1}, {4}}, 0.5, 2},
        {"Negate", "negate", unary(negate), one, -2, 2},
        {"Exp", "exp", unary(duet::exp), one, -2, 2},
        {"Expm1", "expm1", unary(duet::expm1), one, -2, 2},
        {"Log", "log", unary(duet::log), one, 0.5, 3},
        {"Log1p", "log1p", unary(duet::log1p), one, -0.5, 3},
        {"Sqrt", "sqrt", unary(duet::sqrt), one, 0.5, 3},
        {"Square", "square", unary(square), one, -2, 2},
        {"Power", "power 1.7", [](Graph&, const Inputs& x) { return power(x[0], 1.7); }, one, 0.5, 2},
        {"Power", "power -2", [](Graph&, const Inputs& x) { return power(x[0], -2); }, one, 0.5, 2},
        {"Power", "power 0", [](Graph&, const Inputs& x) { return power(x[0], 0) + x[0]; }, one, -2, 2},
        {"Power", "power 3", [](Graph&, const Inputs& x) { return power(x[0], 3); }, one, -2, 2},
        {"Abs", "abs above 0", unary(duet::abs), one, 0.1, 2},
        {"Abs", "abs below 0", unary(duet::abs), one, -2, -0.1},
        {"Maximum", "maximum", binary(maximum), same, -2, 2},
        {"Maximum", "maximum, row and column", binary(maximum), {{4}, {3, 1}}, -2, 2},
        {"Minimum", "minimum", binary(minimum), same, -2, 2},
        {"Minimum", "minimum, a scalar", binary(minimum), {{3, 4}, {}}, -2, 2},
        {"Greater", "greater", factor(greater), same, -2, 2},
        {"GreaterEqual", "greater_equal", factor(greater_equal), same, -2, 2},
        {"Less", "less", factor(less), same, -2, 2},
        {"LessEqual", "less_equal", factor(less_equal), same, -2, 2},
        {"Equal", "equal", factor(equal), same, -2, 2},
        {"Choose", "where",
         [](Graph&, const Inputs& x) { return where(greater(x[0], x[1]), x[0] * x[1], square(x[1])); }, same,
         -2, 2},
        {"Choose",
         "where, broadcast",
         [](Graph&, const Inputs& x) { return where(greater(x[0], 0.0), x[1], x[2]); },
         {{3, 1}, {4}, {1, 1}},
         -2,
         2},
        {"Relu", "relu above 0", unary(relu), one, 0.1, 2},
        {"Relu", "relu on both sides", [](Graph&, const Inputs& x) { return relu(x[0] * x[1]) * x[0]; }, same,
         -2, 2},
        {"LeakyRelu", "leaky_relu", [](Graph&, const Inputs& x) { return leaky_relu(x[0], 0.2); }, one, -2,
         2},
        {"LeakyRelu", "leaky_relu, slope below 0",
         [](Graph&, const Inputs& x) { return leaky_relu(x[0], -0.5); }, one, -2, 2},
        {"Elu", "elu", [](Graph&, const Inputs& x) { return elu(x[0], 1.5); }, one, -2, -0.1},
        {"Elu", "elu above 0", [](Graph&, const Inputs& x) { return elu(x[0]); }, one, 0.1, 2},
        {"Elu", "elu, alpha below 0", [](Graph&, const Inputs& x) { return elu(x[0], -0.5); }, one, -2, -0.1},
        {"Sigmoid", "sigmoid", unary(sigmoid), one, -3, 3},
        {"Tanh", "tanh", unary(duet::tanh), one, -2, 2},
        {"Softplus", "softplus", unary(softplus), one, -3, 3},
        {"Clip", "clip within", [](Graph&, const Inputs& x) { return clip(x[0], -3, 3); }, one, -2, 2},
        {"Clip", "clip beyond", [](Graph&, const Inputs& x) { return clip(x[0], 3, 4) * x[0]; }, one, -2, 2},
        {"BroadcastTo",
         "broadcast_to",
         [](Graph&, const Inputs& x) {
             return broadcast_to(x[0], {2, 3, 4});
         },
         {{3, 1}},
         -2,
         2},
        {"BroadcastTo",
         "broadcast_to, a scalar",
         [](Graph&, const Inputs& x) {
             return broadcast_to(x[0], {3, 4});
         },
         {{}},
         -2,
         2},
        {"BroadcastTo",
         "sum_to",
         [](Graph&, const Inputs& x) {
             return sum_to(x[0], {3, 1});
         },
         {{2, 3, 4}},
         -2,
         2},
        {"Reshape", "reshape",
         [](Graph&, const Inputs& x) {
             return reshape(x[0], {2, 6});
         },
         one, -2, 2},
        {"Reshape",
         "reshape to a scalar",
         [](Graph&, const Inputs& x) { return reshape(x[0], {}); },
         {{1, 1}},
         -2,
         2},
        {"Transpose", "transpose", [](Graph&, const Inputs& x) { return transpose(x[0]); }, one, -2, 2},
        {"Transpose",
         "transpose of rank 4",
         [](Graph&, const Inputs& x) {
             return transpose(x[0], {2, 0, 3, 1});
         },
         {{2, 1, 3, 4}},
         -2,
         2},
        {"Concat",
         "concat",
         [](Graph&, const Inputs& x) {
             return concat({x[0], x[1], x[0]}, 1);
         },
         {{3, 4}, {3, 1}},
         -2,
         2},
        {"Concat",
         "concat along the first axis",
         [](Graph&, const Inputs& x) {
             return concat({x[0], x[1]}, 0);
         },
         {{1, 2, 2}, {3, 2, 2}},
         -2,
         2},
        {"Slice", "slice",
         [](Graph&, const Inputs& x) {
             return slice(x[0], {1, 0}, {3, 2});
         },
         one, -2, 2},
        {"Pad", "pad",
         [](Graph&, const Inputs& x) {
             return pad(x[0], {1, 0}, {0, 2});
         },
         one, -2, 2},
        {"Pad",
         "pads, accumulating",
         [](Graph&, const Inputs& x) {
             const Tensor first = pad(x[0], {1, 0}, {0, 2}), second = pad(x[1], {0, 1}, {1, 1});
             return square(x[2]) + first + pad(x[0] * x[0], {0, 2}, {1, 0}) + second;
         },
         {{3, 4}, {3, 4}, {4, 6}},
         -2,
         2},
        {"Slice", "slices of one tensor",
         [](Graph&, const Inputs& x) {
             Tensor total = sum(x[0]);
             for (std::size_t row = 0; row < 3; ++row)
                 total =
                     total +
                     sum(exp(slice(x[0], {row, row}, {row + 1, 4}) * (1.0 + 0.5 * static_cast<double>(row))));
             return total;
         },
         one, -1, 1},
        {"StopGradient",
         "stop_gradient",
         [](Graph&, const Inputs& x) {
             return x[0] + stop_gradient(reshape(x[1], {3, 4}));
         },
         {{3, 4}, {12}},
         -2,
         2},
        {"Sum", "sum", [](Graph&, const Inputs& x) { return sum(x[0]); }, one, -2, 2},
        {"Sum",
         "sum over axes that are not adjacent",
         [](Graph&, const Inputs& x) {
             return sum(x[0], {0, 2}, true);
         },
         {{2, 3, 4}},
         -2,
         2},
        {"Sum",
         "sum over an axis of 1",
         [](Graph&, const Inputs& x) { return sum(x[0], {1}); },
         {{3, 1}},
         -2,
         2},
        {"Sum", "mean", [](Graph&, const Inputs& x) { return mean(x[0], {1}); }, one, -2, 2},
        {"Max", "max", [](Graph&, const Inputs& x) { return max(x[0]); }, {{5}}, -2, 2},
        {"Max",
         "max over an axis",
         [](Graph&, const Inputs& x) { return max(x[0], {0}, true); },
         {{3, 1, 4}},
         -2,
         2},
        {"Max",
         "max over axes that are not adjacent",
         [](Graph&, const Inputs& x) {
             return max(x[0], {0, 2});
         },
         {{2, 3, 2}},
         -2,
         2},
        {"Max", "logsumexp", [](Graph&, const Inputs& x) { return logsumexp(x[0], {1}); }, one, -2, 2},
        {"Gather", "gather",
         [](Graph& graph, const Inputs& x) {
             return gather(x[0], graph.constant(indices_of({2, 0, 2})));
         },
         one, -2, 2},
        {"Shift2d",
         "shift2d",
         [](Graph& graph, const Inputs& x) {
             const ArrayOf<double> moves = {{1, -2}, {0, 7}};
             return shift2d(x[0], graph.constant(moves));
         },
         {{2, 2, 3, 4}},
         -2,
         2},
        {"ScatterAdd", "scatter_add",
         [](Graph& graph, const Inputs& x) {
             return scatter_add(x[0], graph.constant(indices_of({4, 1, 4})), 5);
         },
         one, -2, 2},
        {"OneHot", "one_hot",
         [](Graph& graph, const Inputs& x) {
             return x[0] * one_hot(graph.constant(indices_of({3, 0, 1})), 4);
         },
         one, -2, 2},
        {"MatMul",
         "matmul",
         [](Graph&, const Inputs& x) { return matmul(x[0], x[1]); },
         {{3, 4}, {4, 2}},
         -2,
         2},
        {"MatMul",
         "matmul, first transposed",
         [](Graph&, const Inputs& x) { return matmul(x[0], x[1], true); },
         {{4, 3}, {4, 2}},
         -2,
         2},
        {"MatMul",
         "matmul, second transposed",
         [](Graph&, const Inputs& x) { return matmul(x[0], x[1], false, true); },
         {{3, 4}, {2, 4}},
         -2,
         2},
        {"MatMul",
         "matmul, both transposed",
         [](Graph&, const Inputs& x) { return matmul(x[0], x[1], true, true); },
         {{4, 3}, {2, 4}},
         -2,
         2},
        {"MatMul",
         "matmul, a row and a column",
         [](Graph&, const Inputs& x) { return matmul(x[0], x[1]); },
         {{1, 4}, {4, 1}},
         -2,
         2},
        {"ChannelAffine",
         "channel_affine",
         [](Graph&, const Inputs& x) { return channel_affine(x[0], 1, x[1], x[2]); },
         {{2, 3, 4}, {3}, {3}},
         -2,
         2},
        {"ChannelAffine",
         "channel_affine of the last axes",
         [](Graph&, const Inputs& x) { return channel_affine(x[0], 1, x[1], x[2]); },
         {{2, 3, 4}, {3, 4}, {3, 4}},
         -2,
         2},
        {"ChannelAffine",
         "channel_scale of everything, accumulating",
         [](Graph&, const Inputs& x) { return x[2] + channel_scale(x[0], 0, x[1]); },
         {{3, 4}, {}, {3, 4}},
         -2,
         2},
        {"Moments",
         "moments of channels",
         [](Graph&, const Inputs& x) {
             const MeanAndVariance of = moments(x[0], {0, 2});
             return of.mean * square(of.variance);
         },
         {{3, 2, 4}},
         -2,
         2},
        {"Moments",
         "moments of rows",
         [](Graph&, const Inputs& x) {
             const MeanAndVariance of = moments(x[0], {1});
             return x[1] * of.mean + of.variance;
         },
         {{3, 5}, {3}},
         -2,
         2},
        {"Moments", "moments of everything",
         [](Graph&, const Inputs& x) {
             const MeanAndVariance of = moments(x[0]);
             return of.mean / of.variance;
         },
         one, -2, 2},
        {"RandomNormal", "random_normal",
         [](Graph& graph, const Inputs& x) {
             return x[0] * random_normal(graph, "noise", {3, 4});
         },
         one, -2, 2},
        {"RandomUniform", "random_uniform",
         [](Graph& graph, const Inputs& x) {
             return x[0] * random_uniform(graph, "noise", {3, 4});
         },
         one, -2, 2},
    };
}

}  // namespace

ArrayOf<double> indices_of(std::initializer_list<double> values) {
    ArrayOf<double> result = ArrayOf<double>::from_shape({values.size()});
    std::copy(values.begin(), values.end(), result.data());
    return result;
}

const std::vector<OpCase>& op_cases() {
    static const std::vector<OpCase> all = [] {
        std::vector<OpCase> cases = make_cases();
        for (const std::vector<OpCase>& more : {classification_cases(), image_cases(), variant_cases()})
            cases.insert(cases.end(), more.begin(), more.end());
        return cases;
    }();
    return all;
}

const std::vector<ExemptOp>& exempt_ops() {
    static const std::vector<ExemptOp> exempt{
        {"PackPanels",
         "made by the compiler, when all gradients are taken; rewrite_test holds it to matmul's bits"},
        {"PanelMatMul", "the same"},
        {"ArrangeOperand", "the same, for convolutions; rewrite_test holds them to the same bits"},
        {"Rejection", "throws from its shape rule and never becomes a node"},
    };
    return exempt;
}

}  // namespace duet
