#include "image_steps.hpp"

#include <algorithm>
#include <array>

#include <duet/ops/arithmetic.hpp>
#include <duet/ops/convolution.hpp>
#include <duet/ops/pooling.hpp>
#include <duet/ops/resampling.hpp>
#include <duet/ops/shifting.hpp>

namespace duet::testing {

namespace {

using Pair = std::array<std::size_t, 2>;

struct Convolution {
    RandomValue x;
    Pair kernel;
    Convolution2d how;
    std::size_t features;
};

/// Wide enough, where the pool allows it, for minimal filtering or for gathered products.
Convolution wide(ValuePool& pool) {
    Dice& dice = pool.dice();
    const std::size_t channels = dice.pick<std::size_t>({16, 16, 32, 64}), size = dice.from(3, 9);
    const std::size_t batch =
        dice.from(1, std::max<std::size_t>(pool.most_elements() / (channels * size * size * 2), 1));
    const Shape shape{std::min<std::size_t>(batch, 24), channels, size, dice.chance(0.7) ? size : size + 2};
    RandomValue x;
    for (const RandomValue& value : pool.values()) {
        const Shape& there = value.shape();
        if (there.rank() == 4 && there[1] % 16 == 0 && std::min(there[2], there[3]) > 2 && dice.chance(0.5))
            x = value;
    }
    if (!x) x = pool.leaf(shape);
    const std::size_t features = dice.pick<std::size_t>({16, 16, 32, 24, 64});
    if (dice.chance(0.5))
        return {x, {3, 3}, {.stride = {1, 1}, .padding = {1, 1}, .dilation = {1, 1}, .groups = 1}, features};
    return {x, {4, 4}, {.stride = {2, 2}, .padding = {1, 1}, .dilation = {1, 1}, .groups = 1}, features};
}

Convolution narrow(ValuePool& pool) {
    Dice& dice = pool.dice();
    Convolution result{pool.of_rank(4), {}, {}, 0};
    const Shape& shape = result.x.shape();
    std::vector<std::size_t> groups{1, 1, 1};
    for (const std::size_t count : {2, 3, 4})
        if (shape[1] % count == 0) groups.push_back(count);
    result.how.groups = dice.pick(groups);
    result.features = result.how.groups * dice.from(1, 5);
    for (std::size_t axis = 0; axis < 2; ++axis) {
        result.kernel[axis] = dice.from(1, std::min<std::size_t>(shape[2 + axis], 5));
        result.how.padding[axis] = dice.below(result.kernel[axis]);
        result.how.stride[axis] = dice.from(1, 3);
        const bool room = 2 * (result.kernel[axis] - 1) < shape[2 + axis] + 2 * result.how.padding[axis];
        result.how.dilation[axis] = room && dice.chance(0.3) ? 2 : 1;
    }
    return result;
}

RandomValue downwards(ValuePool& pool, const Convolution& c) {
    const Shape& shape = c.x.shape();
    std::size_t pixels = shape[0];
    for (std::size_t axis = 0; axis < 2; ++axis)
        pixels *=
            (shape[2 + axis] + 2 * c.how.padding[axis] - c.how.dilation[axis] * (c.kernel[axis] - 1) - 1) /
                c.how.stride[axis] +
            1;
    const Shape weight{c.features, shape[1] / c.how.groups, c.kernel[0], c.kernel[1]};
    if (pixels * c.features > pool.most_elements() || pixels * weight.elements() > 4 * pool.most_products())
        return {};
    const double scale = sum_scale(weight.elements() / c.features);
    return {conv2d(c.x.tensor, pool.leaf(weight).tensor, c.how) * scale, 2 * c.x.size};
}

RandomValue upwards(ValuePool& pool, const Convolution& c) {
    const Shape& shape = c.x.shape();
    Pair over{};
    std::size_t pixels = shape[0];
    for (std::size_t axis = 0; axis < 2; ++axis) {
        over[axis] = pool.dice().below(c.how.stride[axis]);
        const std::size_t covered = (shape[2 + axis] - 1) * c.how.stride[axis] +
                                    c.how.dilation[axis] * (c.kernel[axis] - 1) + 1 + over[axis];
        if (covered <= 2 * c.how.padding[axis]) return {};
        pixels *= covered - 2 * c.how.padding[axis];
    }
    const Shape weight{shape[1], c.features / c.how.groups, c.kernel[0], c.kernel[1]};
    if (pixels * c.features > pool.most_elements() ||
        shape[0] * shape[2] * shape[3] * weight.elements() > 4 * pool.most_products())
        return {};
    const double scale = sum_scale(shape[1] / c.how.groups * 2);
    return {conv_transpose2d(c.x.tensor, pool.leaf(weight).tensor, c.how, over) * scale, 2 * c.x.size};
}

}  // namespace

RandomValue convolved(ValuePool& pool) {
    const Convolution c = pool.most_elements() >= 4096 && pool.dice().chance(0.5) ? wide(pool) : narrow(pool);
    return pool.dice().chance(0.4) ? upwards(pool, c) : downwards(pool, c);
}

RandomValue pooled(ValuePool& pool) {
    Dice& dice = pool.dice();
    const RandomValue x = pool.of_rank(4);
    const std::size_t kind = dice.below(6);
    if (kind == 0) return {global_avg_pool2d(x.tensor), x.size};
    Pool2d how;
    for (std::size_t axis = 0; axis < 2; ++axis) {
        how.kernel[axis] = dice.from(1, std::min<std::size_t>(x.shape()[2 + axis], 4));
        how.stride[axis] = dice.below(4);
        how.padding[axis] = dice.below(how.kernel[axis] / 2 + 1);
    }
    const double window = static_cast<double>(how.kernel[0] * how.kernel[1]);
    switch (kind) {
        case 1:
            return {max_pool2d(x.tensor, how), x.size};
        case 2:
            return {avg_pool2d(x.tensor, how, dice.chance(0.5)), x.size};
        case 3:
            return {sum_pool2d(x.tensor, how) * (1 / window), x.size};
        default:
            break;
    }
    Pair extents{};
    for (std::size_t axis = 0; axis < 2; ++axis) {
        const std::size_t stride = how.stride[axis] == 0 ? how.kernel[axis] : how.stride[axis];
        const std::size_t covered = (x.shape()[2 + axis] - 1) * stride + how.kernel[axis];
        if (covered <= 2 * how.padding[axis]) return {};
        extents[axis] = covered - 2 * how.padding[axis];
    }
    if (x.shape()[0] * x.shape()[1] * extents[0] * extents[1] > pool.most_elements()) return {};
    return {sum_unpool2d(x.tensor, how, extents), window * x.size};
}

RandomValue resampled(ValuePool& pool) {
    Dice& dice = pool.dice();
    const RandomValue x = pool.of_rank(4);
    const std::size_t factor = dice.from(2, 3), kind = dice.below(4);
    if (kind == 3) {
        constexpr std::size_t places = 5;
        return {shift2d(x.tensor, pool.indices({x.shape()[0], 2}, places)), x.size};
    }
    if (kind == 0) {
        if (x.shape()[1] % (factor * factor) != 0) return {};
        return {pixel_shuffle(x.tensor, factor), x.size};
    }
    if (x.shape().elements() * factor * factor > pool.most_elements()) return {};
    if (kind == 1) return {upsample_nearest2d(x.tensor, factor), x.size};
    return {upsample_bilinear2d(x.tensor, factor, dice.chance(0.5)), x.size};
}

}  // namespace duet::testing
