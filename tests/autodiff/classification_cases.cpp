#include <limits>

#include <xtensor/xarray.hpp>

#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/classification.hpp>
#include <duet/ops/comparison.hpp>
#include <duet/ops/indexing.hpp>
#include <duet/ops/reduce.hpp>

#include "op_cases.hpp"

namespace duet {

namespace {

using Inputs = std::vector<Tensor>;

/// A matrix (3, 4) with minus infinity at some places.
Tensor masked(Graph& graph, const Tensor& x) {
    const Tensor mask = one_hot(graph.constant(indices_of({1, 3, 0})), 4);
    return where(mask, -std::numeric_limits<double>::infinity(), x);
}

}  // namespace

std::vector<OpCase> classification_cases() {
    const std::vector<Shape> same{{3, 4}, {3, 4}}, one{{3, 4}};
    return {
        {"Sum", "softmax", [](Graph&, const Inputs& x) { return softmax(x[0]); }, one, -2, 2},
        {"Sum", "log_softmax", [](Graph&, const Inputs& x) { return log_softmax(x[0]); }, one, -2, 2},
        {"Sum", "softmax_cross_entropy",
         [](Graph&, const Inputs& x) { return softmax_cross_entropy(x[0], x[1]); }, same, 0.1, 1},
        {"Sum", "softmax_cross_entropy of classes",
         [](Graph& graph, const Inputs& x) {
             return softmax_cross_entropy(x[0], graph.constant(indices_of({3, 0, 1})));
         },
         one, -2, 2},
        {"Sum", "softmax of masked classes",
         [](Graph& graph, const Inputs& x) { return softmax(masked(graph, x[0])); }, one, -2, 2},
        {"Sum", "logsumexp of masked classes",
         [](Graph& graph, const Inputs& x) { return logsumexp(masked(graph, x[0]), {1}); }, one, -2, 2},
        {"Sum", "softmax_cross_entropy of masked classes",
         [](Graph& graph, const Inputs& x) {
             return softmax_cross_entropy(masked(graph, x[0]), graph.constant(indices_of({3, 0, 1})));
         },
         one, -2, 2},
        {"Sum", "softmax_cross_entropy of distributions without the masked classes",
         [](Graph& graph, const Inputs& x) {
             const Tensor logits = masked(graph, x[0]);
             return softmax_cross_entropy(logits, softmax(logits) * x[1]);
         },
         same, 0.1, 1},
        {"Softplus", "sigmoid_cross_entropy of an infinite logit",
         [](Graph& graph, const Inputs& x) {
             const Tensor logits = masked(graph, x[0]);
             return sigmoid_cross_entropy(logits, sigmoid(logits) * x[1]);
         },
         same, 0.1, 1},
        {"Softplus", "sigmoid_cross_entropy",
         [](Graph&, const Inputs& x) { return sigmoid_cross_entropy(x[0], x[1]); }, same, 0.1, 1},
    };
}

}  // namespace duet
