#include <duet/ops/classification.hpp>

#include <array>
#include <limits>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/graph/graph.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/comparison.hpp>
#include <duet/ops/indexing.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/shape_ops.hpp>
#include <duet/ops/stop_gradient.hpp>

namespace duet {

namespace {

void expect_classes(const char* builder, const Tensor& logits) {
    if (logits.shape().rank() == 0)
        reject(builder, "a scalar has no classes; logits need a last axis", {&logits, 1}, {});
}

/// The logits less their maximum, which changes neither softmax nor its gradient.
Tensor shifted(const Tensor& logits) {
    return logits - stop_gradient(max(logits, {-1}, true));
}

Tensor normalized(const Tensor& logits) {
    const Tensor x = shifted(logits);
    return x - log(sum(exp(x), {-1}, true));
}

/// p * l, but 0 where p is 0 and l infinite: what cannot happen and is not expected costs nothing.
Tensor weighted(const Tensor& p, const Tensor& l) {
    const Tensor infinite = equal(abs(l), std::numeric_limits<double>::infinity());
    return p * where(infinite * equal(p, 0.0), 0.0, l);
}

}  // namespace

Tensor softmax(Operand logits) {
    const Tensor input = logits.tensor();
    const WhereScope scope(input.graph(), logits.where());
    expect_classes("softmax", input);
    const Tensor terms = exp(shifted(input));
    return terms / sum(terms, {-1}, true);
}

Tensor log_softmax(Operand logits) {
    const Tensor input = logits.tensor();
    const WhereScope scope(input.graph(), logits.where());
    expect_classes("log_softmax", input);
    return normalized(input);
}

Tensor softmax_cross_entropy(Operand logits, Operand labels) {
    const std::array<Operand, 2> operands{logits, labels};
    Graph& graph = graph_of(operands);
    const WhereScope scope(graph, logits.where());
    const std::array<Tensor, 2> arguments{logits.tensor(graph), labels.tensor(graph)};
    const Shape shape = arguments[0].shape(), given = arguments[1].shape();
    expect_classes("softmax_cross_entropy", arguments[0]);
    const std::size_t classes = shape[shape.rank() - 1];
    const bool indices = given == reduced_shape(shape, {-1});
    if (!indices && given != shape)
        reject(
            "softmax_cross_entropy",
            fmt::format("labels of shape {} do not fit logits of shape {}: give class indices of shape {} or "
                        "distributions of shape {}",
                        to_string(given), to_string(shape), to_string(reduced_shape(shape, {-1})),
                        to_string(shape)),
            arguments, {});
    if (indices)
        in_words_of("softmax_cross_entropy", arguments, {}, [&] { expect_countable("classes", classes); });
    const Tensor distribution = indices ? one_hot(arguments[1], classes) : arguments[1];
    return -sum(weighted(distribution, normalized(arguments[0])), {-1});
}

Tensor sigmoid_cross_entropy(Operand logits, Operand targets) {
    const std::array<Operand, 2> operands{logits, targets};
    Graph& graph = graph_of(operands);
    const WhereScope scope(graph, logits.where());
    const Tensor x = logits.tensor(graph), t = targets.tensor(graph);
    if (logits.is_tensor() && targets.is_tensor())
        in_words_of("sigmoid_cross_entropy", std::array{x, t}, {},
                    [&] { expect_pairs("logits and targets", x.shape(), t.shape()); });
    return weighted(t, softplus(-x)) + weighted(1.0 - t, softplus(x));
}

}  // namespace duet
