#include "elementwise_steps.hpp"

#include <algorithm>

#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/classification.hpp>
#include <duet/ops/comparison.hpp>
#include <duet/ops/dropout.hpp>
#include <duet/ops/indexing.hpp>
#include <duet/ops/matmul.hpp>
#include <duet/ops/random.hpp>
#include <duet/ops/stop_gradient.hpp>

namespace duet::testing {

namespace {

/// A value of that shape, or what one of several ops makes of one, of which some do not fuse.
RandomValue term(ValuePool& pool, const Shape& shape) {
    Dice& dice = pool.dice();
    const RandomValue x = pool.of_shape(shape);
    const std::size_t rank = shape.rank();
    switch (rank == 0 || shape[rank - 1] == 1 ? dice.from(3, 5) : dice.below(6)) {
        case 0:
            return {softmax(x.tensor * dice.between(0.1, 1)), 1};
        case 1:
            return {gather(x.tensor, pool.indices({shape[0]}, shape[0])), x.size};
        case 2: {
            if (rank != 2 || shape[1] > 64) return x;
            const RandomValue square = pool.leaf({shape[1], shape[1]});
            return {matmul(x.tensor, square.tensor * sum_scale(shape[1])), 2 * x.size};
        }
        case 3:
            return {sigmoid(x.tensor * dice.between(-1, 1)), 1};
        case 4:
            return {x.tensor * dice.between(-1, 1), x.size};
        default:
            return x;
    }
}

}  // namespace

Tensor positive(ValuePool& pool, const Tensor& x) {
    switch (pool.dice().below(3)) {
        case 0:
            return sigmoid(x) + 0.3;
        case 1:
            return duet::exp(duet::tanh(x) * 0.5);
        default:
            return square(duet::tanh(x)) + 0.4;
    }
}

Tensor apart(ValuePool& pool, const Tensor& value, std::size_t levels) {
    return pool.levels(value.shape(), levels) + duet::tanh(value) * 0.2;
}

RandomValue smooth(ValuePool& pool) {
    const RandomValue x = pool.any();
    switch (pool.dice().below(13)) {
        case 0:
            return {duet::tanh(x.tensor), 1};
        case 1:
            return {sigmoid(x.tensor), 1};
        case 2:
            return {softplus(x.tensor), x.size + 0.7};
        case 3:
            return {duet::exp(duet::tanh(x.tensor)), 2.7};
        case 4:
            return {duet::expm1(duet::tanh(x.tensor)), 1.7};
        case 5:
            return {duet::log(positive(pool, x.tensor)), 1.2};
        case 6:
            return {duet::log1p(positive(pool, x.tensor)), 1};
        case 7:
            return {duet::sqrt(positive(pool, x.tensor)), 1.3};
        case 8:
            return {square(x.tensor), x.size * x.size};
        case 9:
            return {power(positive(pool, x.tensor), pool.dice().pick<double>({-1, 0.5, 1, 1.7, 2, -0.3})), 3};
        case 10:
            return {1.0 / positive(pool, x.tensor), 3};
        case 11:
            return {-x.tensor, x.size};
        default:
            return {x.tensor * x.tensor, x.size * x.size};
    }
}

RandomValue kinked(ValuePool& pool) {
    const RandomValue any = pool.any();
    const Tensor x = apart(pool, any.tensor, 4);
    switch (pool.dice().below(9)) {
        case 0:
        case 1:
            return {relu(x), 1.7};
        case 2:
            return {leaky_relu(x, 0.2), 1.7};
        case 3:
            return {leaky_relu(x, -0.5), 1.7};
        case 4:
            return {elu(x, 0.7), 1.7};
        case 5:
            return {elu(x, -0.5), 1.7};
        case 6:
            return {duet::abs(x), 1.7};
        case 7:
            return {clip(x, -1, 1), 1};
        default:
            return {clip(x, 0, 3), 1.7};
    }
}

RandomValue compared(ValuePool& pool) {
    const RandomValue any = pool.any();
    const RandomValue other = pool.partner(any.shape());
    const Tensor x = apart(pool, any.tensor, 4), y = apart(pool, other.tensor, 3);
    switch (pool.dice().below(8)) {
        case 0:
            return {maximum(x, y), 1.7};
        case 1:
            return {minimum(y, x), 1.7};
        case 2:
            return {where(greater(x, y), any.tensor, other.tensor), std::max(any.size, other.size)};
        case 3:
            return {where(less_equal(x, 0.0), other.tensor, any.tensor * 0.5),
                    std::max(any.size, other.size)};
        case 4:
            return {greater_equal(x, y) * any.tensor, any.size};
        case 5:
            return {less(x, 1.0) * other.tensor, other.size};
        case 6:
            return {equal(pool.levels(any.shape(), 3), 1.0) * any.tensor, any.size};
        default:
            return {maximum(any.tensor, any.tensor + x), any.size + 1.7};
    }
}

RandomValue binary(ValuePool& pool) {
    const RandomValue a = pool.any();
    const RandomValue b = pool.partner(a.shape());
    switch (pool.dice().below(5)) {
        case 0:
            return {a.tensor + b.tensor, a.size + b.size};
        case 1:
            return {b.tensor - a.tensor, a.size + b.size};
        case 2:
            return {a.tensor * b.tensor, a.size * b.size};
        case 3:
            return {a.tensor / positive(pool, b.tensor), 3 * a.size};
        default:
            return {(1.0 - a.tensor) * b.tensor, (1 + a.size) * b.size};
    }
}

RandomValue many_terms(ValuePool& pool) {
    Dice& dice = pool.dice();
    const Shape shape = dice.chance(0.5) ? pool.shape_of_rank(dice.from(1, 4), 0.8) : pool.any().shape();
    const std::size_t count = dice.chance(0.1) ? dice.from(24, 48) : dice.from(3, 16);
    std::vector<Tensor> terms;
    double size = 0;
    while (terms.size() < count) {
        const RandomValue next = term(pool, shape);
        terms.push_back(next.tensor);
        size += next.size;
    }
    const bool in_order = dice.chance(0.5);
    while (terms.size() > 1) {
        const std::size_t place = in_order ? 0 : dice.below(terms.size() - 1);
        terms[place] = terms[place] + terms[place + 1];
        terms.erase(terms.begin() + static_cast<std::ptrdiff_t>(place) + 1);
    }
    return {terms.front(), size};
}

RandomValue noisy(ValuePool& pool) {
    Dice& dice = pool.dice();
    const RandomValue x = pool.any();
    switch (dice.below(4)) {
        case 0:
            return {dropout(x.tensor, pool.name("dropout"), dice.between(0.1, 0.5)), 2 * x.size};
        case 1:
            return {x.tensor + random_normal(pool.graph(), pool.name("noise"), x.shape()) * 0.1,
                    x.size + 0.3};
        case 2:
            return {x.tensor * bernoulli(pool.graph(), pool.name("coin"), x.shape(), 0.7), x.size};
        default:
            return {x.tensor * random_uniform(pool.graph(), pool.name("factor"), x.shape()), x.size};
    }
}

RandomValue stopped(ValuePool& pool) {
    const RandomValue x = pool.any();
    const RandomValue y = pool.partner(x.shape());
    return {stop_gradient(x.tensor) * y.tensor, x.size * y.size};
}

}  // namespace duet::testing
