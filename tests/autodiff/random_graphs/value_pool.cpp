#include "value_pool.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/broadcast.hpp>
#include <duet/ops/random.hpp>
#include <duet/ops/shape_ops.hpp>

namespace duet::testing {

namespace {

constexpr double most_size = 3;
const std::vector<std::size_t> extents = {1,  2,  3,  4,  5,  6,  7,  8,   10,  12,  16,  17, 31,
                                          32, 33, 48, 49, 64, 65, 96, 100, 128, 196, 255, 784};

}  // namespace

double sum_scale(std::size_t terms) {
    return 1 / std::sqrt(static_cast<double>(terms));
}

Axes axes_between(std::size_t first, std::size_t last) {
    Axes axes(last - first);
    std::iota(axes.begin(), axes.end(), first);
    return axes;
}

void ValuePool::add(const RandomValue& value) {
    if (value.size <= most_size)
        values_.push_back(value);
    else if (dice_.chance(0.5))
        values_.push_back({value.tensor * (2 / value.size), 2});
    else
        values_.push_back({duet::tanh(value.tensor * (1.5 / value.size)), 1});
}

std::vector<RandomValue> ValuePool::unread() const {
    std::vector<bool> read(graph_.size(), false);
    for (NodeId id = 0; id < graph_.size(); ++id)
        for (const NodeId input : graph_.node(id).inputs) read[input] = true;
    std::vector<RandomValue> unread;
    for (const RandomValue& value : values_)
        if (!read[value.tensor.id()]) unread.push_back(value);
    return unread;
}

RandomValue ValuePool::any() {
    if (values_.empty() || dice_.chance(0.25)) return leaf(shape_of_rank(dice_.below(5)));
    if (dice_.chance(0.3)) return dice_.pick(values_);
    const std::size_t late = std::min<std::size_t>(values_.size(), 5);
    return values_[values_.size() - 1 - dice_.below(late)];
}

RandomValue ValuePool::of_rank(std::size_t rank) {
    std::vector<RandomValue> fitting;
    for (const RandomValue& value : values_)
        if (value.shape().rank() == rank) fitting.push_back(value);
    if (!fitting.empty() && dice_.chance(0.8)) return dice_.pick(fitting);
    if (values_.empty() || dice_.chance(0.5)) return leaf(shape_of_rank(rank));
    const RandomValue value = any();
    return {reshape(value.tensor, shape_of_elements(value.shape().elements(), rank)), value.size};
}

RandomValue ValuePool::of_shape(const Shape& shape) {
    std::vector<RandomValue> equal, repeated;
    for (const RandomValue& value : values_) {
        if (value.shape() == shape) equal.push_back(value);
        if (can_broadcast(value.shape(), shape)) repeated.push_back(value);
    }
    if (!equal.empty() && dice_.chance(0.6)) return dice_.pick(equal);
    if (repeated.empty() || dice_.chance(0.4)) return leaf(shape);
    const RandomValue value = dice_.pick(repeated);
    return {broadcast_to(value.tensor, shape), value.size};
}

RandomValue ValuePool::partner(const Shape& shape) {
    std::vector<RandomValue> fitting;
    for (const RandomValue& value : values_)
        if (fits(shape, value.shape())) fitting.push_back(value);
    if (!fitting.empty() && dice_.chance(0.7)) return dice_.pick(fitting);
    return leaf(broadcast_partner(shape));
}

RandomValue ValuePool::leaf(const Shape& shape) {
    const double size = dice_.between(0.5, 1.5);
    const std::size_t kind = dice_.below(20);
    if (kind < 8) return {input(shape, {-size, size}), size};
    if (kind < 15) return {graph_.read(variable(shape, size)), size};
    if (kind < 17) return {random_normal(graph_, name("normal"), shape) * 0.6, 1.5};
    if (kind < 18) return {random_uniform(graph_, name("uniform"), shape) - 0.5, 0.5};
    return {graph_.constant(drawn<double>(dice_, shape, {-size, size})), size};
}

Tensor ValuePool::input(const Shape& shape, const Range& range) {
    inputs_.push_back({graph_.input(name("input"), shape), range});
    return inputs_.back().tensor;
}

Variable ValuePool::variable(const Shape& shape, double size) {
    variables_.emplace_back(name("variable"), drawn<float>(dice_, shape, {-size, size}));
    return variables_.back();
}

Tensor ValuePool::indices(const Shape& shape, std::size_t count) {
    const Range below{0, static_cast<double>(count), 1};
    if (dice_.chance(0.3)) return graph_.constant(drawn<double>(dice_, shape, below));
    return input(shape, below);
}

Tensor ValuePool::levels(const Shape& shape, std::size_t count) {
    const double low = -0.5 * static_cast<double>(count - 1);
    Shape repeated = shape;
    if (shape.rank() > 1 && dice_.chance(0.4))
        repeated = Shape(std::vector<std::size_t>(shape.begin() + 1, shape.end()));
    return input(repeated, {low, low + static_cast<double>(count), 1});
}

Shape ValuePool::shape_of_rank(std::size_t rank, double least) {
    std::vector<std::size_t> shape(rank, 1);
    // Half of them large.
    const double power = dice_.between(dice_.chance(0.5) ? std::max(least, 0.7) : least, 1);
    double left = std::pow(static_cast<double>(most_elements_), power);
    for (std::size_t axis = rank; axis-- > 0;) {
        const double most = std::pow(left, std::min(1.0, 1.5 / static_cast<double>(axis + 1)));
        std::vector<std::size_t> fitting;
        for (const std::size_t extent : extents)
            if (static_cast<double>(extent) <= most) fitting.push_back(extent);
        if (!fitting.empty()) shape[axis] = dice_.pick(fitting);
        left /= static_cast<double>(shape[axis]);
    }
    return Shape(shape);
}

Shape ValuePool::shape_of_elements(std::size_t elements, std::size_t rank) {
    std::vector<std::size_t> shape(rank, 1);
    for (std::size_t axis = 0; axis + 1 < rank; ++axis) {
        std::vector<std::size_t> divisors;
        for (std::size_t divisor = 1; divisor * divisor <= elements; ++divisor)
            if (elements % divisor == 0) divisors.push_back(divisor);
        shape[axis] = dice_.pick(divisors);
        elements /= shape[axis];
    }
    if (rank > 0) shape[rank - 1] = elements;
    return Shape(shape);
}

Shape ValuePool::broadcast_partner(const Shape& shape) {
    std::vector<std::size_t> partner(shape.begin(), shape.end());
    std::size_t elements = shape.elements();
    for (std::size_t& extent : partner) {
        const std::size_t grown = extents[dice_.below(8)];
        if (extent > 1 && dice_.chance(0.35))
            extent = 1;
        else if (extent == 1 && elements * grown <= most_elements_ && dice_.chance(0.3)) {
            extent = grown;
            elements *= grown;
        }
    }
    if (!partner.empty() && dice_.chance(0.3))
        partner.erase(partner.begin(),
                      partner.begin() + static_cast<std::ptrdiff_t>(dice_.from(1, partner.size())));
    else if (partner.size() < 5 && elements * 3 <= most_elements_ && dice_.chance(0.1))
        partner.insert(partner.begin(), 3);
    return Shape(partner);
}

bool ValuePool::fits(const Shape& a, const Shape& b) const {
    const std::size_t rank = std::max(a.rank(), b.rank());
    std::size_t elements = 1;
    for (std::size_t axis = 1; axis <= rank; ++axis) {
        const std::size_t x = axis <= a.rank() ? a[a.rank() - axis] : 1;
        const std::size_t y = axis <= b.rank() ? b[b.rank() - axis] : 1;
        if (x != y && x != 1 && y != 1) return false;
        elements *= std::max(x, y);
    }
    return elements <= most_elements_;
}

}  // namespace duet::testing
