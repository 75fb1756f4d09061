#include "movement_steps.hpp"

#include <algorithm>
#include <numeric>

#include <duet/ops/arithmetic.hpp>
#include <duet/ops/indexing.hpp>
#include <duet/ops/shape_ops.hpp>

namespace duet::testing {

RandomValue indexed(ValuePool& pool) {
    Dice& dice = pool.dice();
    const RandomValue x = pool.of_rank(dice.from(1, 3));
    const std::size_t rows = x.shape()[0], row = x.shape().elements() / rows;
    switch (dice.below(3)) {
        case 0: {
            const Shape shape = dice.pick<Shape>({{}, {1}, {3}, {17}, {2, 5}, {64}});
            if (shape.elements() * row > pool.most_elements()) return {};
            return {gather(x.tensor, pool.indices(shape, rows)), x.size};
        }
        case 1: {
            const std::size_t most = dice.from(1, rows + 3);
            if (most * row > pool.most_elements()) return {};
            return {scatter_add(x.tensor, pool.indices({rows}, most), most), 2 * x.size};
        }
        default: {
            if (rows * 3 > pool.most_elements()) return {};
            return {one_hot(pool.indices({rows}, 3), 3) * dice.between(0.5, 1.5), 1.5};
        }
    }
}

RandomValue moved(ValuePool& pool) {
    Dice& dice = pool.dice();
    const RandomValue x = pool.of_rank(dice.from(1, 4));
    const std::size_t rank = x.shape().rank();
    std::vector<std::size_t> first(rank, 0), last(x.shape().begin(), x.shape().end());
    switch (dice.below(5)) {
        case 0:
            return {reshape(x.tensor, pool.shape_of_elements(x.shape().elements(), dice.from(1, 5))), x.size};
        case 1: {
            Axes axes = axes_between(0, rank);
            for (std::size_t axis = rank; axis > 1; --axis) std::swap(axes[axis - 1], axes[dice.below(axis)]);
            return {transpose(x.tensor, axes), x.size};
        }
        case 2:
            for (std::size_t axis = 0; axis < rank; ++axis) {
                first[axis] = dice.below(last[axis]);
                last[axis] = dice.from(first[axis] + 1, last[axis]);
            }
            return {slice(x.tensor, first, last), x.size};
        case 3:
            for (std::size_t axis = 0; axis < rank; ++axis) {
                first[axis] = dice.below(3);
                last[axis] = dice.below(2);
            }
            if (pad_shape(x.shape(), first, last).elements() > pool.most_elements()) return {};
            return {pad(x.tensor, first, last), x.size};
        default: {
            const std::size_t axis = dice.below(rank);
            last[axis] = dice.from(1, 4);
            const RandomValue other = pool.of_shape(Shape(last));
            if (x.shape().elements() * 2 + other.shape().elements() > pool.most_elements()) return {};
            if (dice.chance(0.3))
                return {concat({x.tensor, other.tensor, x.tensor}, axis), std::max(x.size, other.size)};
            return {concat({other.tensor, x.tensor}, axis), std::max(x.size, other.size)};
        }
    }
}

}  // namespace duet::testing
