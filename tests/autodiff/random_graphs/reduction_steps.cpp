#include "reduction_steps.hpp"

#include <algorithm>
#include <cmath>

#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/channel_affine.hpp>
#include <duet/ops/classification.hpp>
#include <duet/ops/moments.hpp>
#include <duet/ops/normalization.hpp>
#include <duet/ops/reduce.hpp>

#include "elementwise_steps.hpp"

namespace duet::testing {

namespace {

Axes some_axes(Dice& dice, std::size_t rank) {
    Axes axes;
    if (dice.chance(0.2)) return axes;
    for (std::size_t axis = 0; axis < rank; ++axis)
        if (dice.chance(0.5)) axes.push_back(axis);
    return axes;
}

}  // namespace

RandomValue reduced(ValuePool& pool) {
    Dice& dice = pool.dice();
    const RandomValue x = pool.any();
    const Axes axes = some_axes(dice, x.shape().rank());
    const bool keep = dice.chance(0.4);
    const double terms = static_cast<double>(
        x.shape().elements() / reduced_shape(x.shape(), sorted_axes(x.shape(), axes)).elements());
    // One term less its mean is nothing, and the logarithm of its exponential nothing new.
    switch (dice.below(terms > 1 ? 8 : 3)) {
        case 0:
            return {sum(x.tensor, axes, keep) * (2 / (terms + 1)), 2 * x.size};
        case 1:
            return {mean(x.tensor, axes, keep), x.size};
        case 2:
            return {max(x.tensor, axes, keep), x.size};
        case 3:
            return {logsumexp(x.tensor, axes, keep), x.size + std::log(terms)};
        case 4:
            return {duet::sqrt(mean(square(x.tensor), axes, keep) + 0.1), x.size + 0.4};
        case 5:
            return {x.tensor - mean(x.tensor, axes, true), 2 * x.size};
        case 6:
            return {x.tensor / duet::sqrt(mean(square(x.tensor), axes, true) + 0.1), 3};
        default:
            return {sum(x.tensor * duet::tanh(pool.partner(x.shape()).tensor)) *
                        (1 / static_cast<double>(x.shape().elements())),
                    x.size};
    }
}

RandomValue statistics(ValuePool& pool) {
    Dice& dice = pool.dice();
    const RandomValue x = pool.any();
    const std::size_t rank = x.shape().rank();
    const std::size_t first = dice.below(rank + 1), last = dice.from(first, rank);
    Axes axes = axes_between(0, first);
    for (std::size_t axis = last; axis < rank; ++axis) axes.push_back(axis);
    const MeanAndVariance of = moments(x.tensor, axes);
    switch (dice.below(3)) {
        case 0:
            return {of.mean, x.size};
        case 1:
            return {of.variance + 0.2, x.size * x.size + 0.2};
        default:
            return {of.mean / duet::sqrt(of.variance + 0.2), 2 * x.size};
    }
}

RandomValue normalized(ValuePool& pool) {
    Dice& dice = pool.dice();
    const std::size_t kind = dice.below(5);
    const RandomValue x = pool.of_rank(kind == 2 ? dice.from(3, 4) : dice.from(2, 4));
    const Shape channels{x.shape()[1]};
    const std::size_t elements = x.shape().elements();
    const Tensor shift = pool.leaf(channels).tensor;
    const Tensor scale = positive(pool, pool.leaf(channels).tensor);
    const double epsilon = dice.pick<double>({1e-5, 1e-2});
    switch (kind) {
        case 0:
            if (elements / channels[0] < 8) return {};
            return {batch_norm(x.tensor, scale, shift, epsilon).value, 3};
        case 1: {
            const Tensor average = pool.leaf(channels).tensor;
            return {batch_norm_inference(x.tensor, scale, shift, average,
                                         positive(pool, pool.leaf(channels).tensor), epsilon),
                    5};
        }
        case 2:
            if (elements / (channels[0] * x.shape()[0]) < 8) return {};
            return {instance_norm(x.tensor, scale, shift, epsilon), 3};
        case 3: {
            const std::size_t first = dice.from(1, x.shape().rank() - 1);
            const Shape last(std::vector<std::size_t>(x.shape().begin() + static_cast<std::ptrdiff_t>(first),
                                                      x.shape().end()));
            if (last.elements() < 8) return {};
            if (dice.chance(0.4)) return {layer_norm(x.tensor, last), 2};
            const Tensor scales = positive(pool, pool.leaf(last).tensor);
            return {layer_norm(x.tensor, last, scales, pool.leaf(last).tensor, epsilon), 3};
        }
        default: {
            const std::size_t groups = channels[0] % 2 == 0 ? 2 : 1;
            if (elements / (x.shape()[0] * groups) < 8) return {};
            return {group_norm(x.tensor, groups, scale, shift, epsilon), 3};
        }
    }
}

RandomValue affine(ValuePool& pool) {
    Dice& dice = pool.dice();
    const RandomValue x = pool.any();
    const std::size_t rank = x.shape().rank(), first = dice.below(rank + 1), last = dice.from(first, rank);
    const Shape shape(std::vector<std::size_t>(x.shape().begin() + static_cast<std::ptrdiff_t>(first),
                                               x.shape().begin() + static_cast<std::ptrdiff_t>(last)));
    const RandomValue factor = pool.of_shape(shape);
    if (dice.chance(0.5)) return {channel_scale(x.tensor, first, factor.tensor), x.size * factor.size};
    const RandomValue shift = pool.of_shape(shape);
    return {channel_affine(x.tensor, first, factor.tensor, shift.tensor), x.size * factor.size + shift.size};
}

RandomValue classified(ValuePool& pool) {
    Dice& dice = pool.dice();
    const RandomValue x = pool.of_rank(2);
    const std::size_t classes = x.shape()[1];
    if (classes == 1) return {};
    const double loss = 2 * x.size + std::log(static_cast<double>(classes)) + 0.1;
    switch (dice.below(5)) {
        case 0:
            return {softmax(x.tensor), 1};
        case 1:
            return {log_softmax(x.tensor), loss};
        case 2:
            return {softmax_cross_entropy(x.tensor, pool.indices({x.shape()[0]}, classes)), loss};
        case 3:
            return {softmax_cross_entropy(x.tensor, softmax(pool.of_shape(x.shape()).tensor)), loss};
        default:
            return {sigmoid_cross_entropy(x.tensor, pool.input(x.shape(), {0, 1})), x.size + 0.7};
    }
}

}  // namespace duet::testing
