#include "product_steps.hpp"

#include <algorithm>

#include <duet/ops/arithmetic.hpp>
#include <duet/ops/matmul.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/shape_ops.hpp>

#include "image_steps.hpp"

namespace duet::testing {

RandomValue thin_product(ValuePool& pool) {
    Dice& dice = pool.dice();
    const Shape shape = pool.shape_of_rank(2, 0.8);
    const std::size_t inner = dice.from(1, 6);
    const RandomValue a = pool.of_shape({shape[0], inner}), b = pool.leaf({inner, shape[1]});
    return {matmul(a.tensor, b.tensor), a.size * b.size / sum_scale(inner)};
}

RandomValue product(ValuePool& pool) {
    Dice& dice = pool.dice();
    const RandomValue a = pool.of_rank(2);
    const bool transpose_a = dice.chance(0.4), transpose_b = dice.chance(0.4);
    const std::size_t inner = a.shape()[transpose_a ? 0 : 1], rows = a.shape()[transpose_a ? 1 : 0];
    std::vector<RandomValue> fitting;
    for (const RandomValue& value : pool.values())
        if (value.shape().rank() == 2 && value.shape()[transpose_b ? 1 : 0] == inner)
            fitting.push_back(value);
    const bool independent = fitting.empty() || dice.chance(0.6);
    const std::size_t most = std::min(pool.most_elements() / rows, pool.most_products() / (rows * inner));
    if (most == 0 || inner > pool.most_elements()) return {};
    // The terms of long sums should not be all alike, for then they round alike.
    if (!independent && inner > 64) return {};
    RandomValue b;
    if (independent) {
        const std::size_t columns =
            std::min(dice.pick<std::size_t>({1, 2, 3, 5, 8, 12, 16, 17, 33, 64, 128, 784}),
                     std::min(most, pool.most_elements() / inner));
        b = pool.leaf(transpose_b ? Shape{columns, inner} : Shape{inner, columns});
    } else {
        b = dice.pick(fitting);
        if (b.shape()[transpose_b ? 0 : 1] > most) return {};
    }
    const double scale = independent ? sum_scale(inner) : 1 / static_cast<double>(inner);
    const double size = a.size * b.size * (independent ? 2 : 1);
    const Tensor left = dice.chance(0.3) ? a.tensor * scale : a.tensor;
    Tensor right = left == a.tensor ? b.tensor * scale : b.tensor;
    const bool transposed = dice.chance(0.2);
    if (transposed) right = transpose(right);
    const Tensor result = matmul(left, right, transpose_a, transpose_b != transposed);
    if (dice.chance(0.5)) return {result, size};
    const RandomValue more = pool.of_shape(result.shape());
    return {dice.chance(0.5) ? result + more.tensor : more.tensor + result, size + more.size};
}

RandomValue error(ValuePool& pool) {
    RandomValue (*const made[])(ValuePool&) = {thin_product, product, convolved};
    const RandomValue x = made[pool.dice().below(3)](pool);
    if (!x) return {};
    const RandomValue target = pool.of_shape(x.shape());
    const double size = x.size + target.size;
    return {mean(square(x.tensor - target.tensor)), size * size};
}

}  // namespace duet::testing
