#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <duet/graph/graph.hpp>
#include <duet/ops/shape_rules.hpp>

#include "compared_programs.hpp"
#include "dice.hpp"

namespace duet::testing {

/// A tensor of a random graph, and how large its elements are, about, at most; nothing where it is invalid.
struct RandomValue {
    Tensor tensor = {};
    double size = 0;

    const Shape& shape() const { return tensor.shape(); }
    explicit operator bool() const { return tensor.valid(); }
};

/// What a sum of so many independent terms of order 1 is multiplied with to be of order 1 itself.
double sum_scale(std::size_t terms);

/// Axes first, ..., last - 1.
Axes axes_between(std::size_t first, std::size_t last);

/// The values that a random graph is made of, and leaves for more.
class ValuePool {
 public:
    /// No value has more than `most_elements`.
    ValuePool(Graph& graph, Dice& dice, std::size_t most_elements)
        : graph_(graph), dice_(dice), most_elements_(most_elements) {}

    Graph& graph() const { return graph_; }
    Dice& dice() const { return dice_; }
    std::size_t most_elements() const { return most_elements_; }
    /// Products of more multiplications take too long.
    std::size_t most_products() const { return 64 * most_elements_; }

    /// Keeps a value, scaled or bent to order 1.
    void add(const RandomValue& value);
    const std::vector<RandomValue>& values() const { return values_; }
    /// Values that no other one is made of.
    std::vector<RandomValue> unread() const;

    /// Any value, rather a late one.
    RandomValue any();
    /// A value of so many axes, if need be a reshaped one or a leaf.
    RandomValue of_rank(std::size_t rank);
    RandomValue of_shape(const Shape& shape);
    /// A value that can be broadcast together with that shape.
    RandomValue partner(const Shape& shape);

    /// An input, a parameter, a draw or a constant with elements of either sign and mean 0.
    RandomValue leaf(const Shape& shape);
    /// An input with the elements of that range.
    Tensor input(const Shape& shape, const Range& range);
    Variable variable(const Shape& shape, double size);
    /// Whole numbers below `count`.
    Tensor indices(const Shape& shape, std::size_t count);
    /// An input of `count` levels around 0, 1 apart, of the shape or repeated to it.
    Tensor levels(const Shape& shape, std::size_t count);
    /// A name that no other node of the graph has.
    std::string name(const std::string& kind) { return kind + std::to_string(names_++); }

    /// A shape of so many axes; the number of its elements is the most there may be to a power of at least
    /// `least`, or somewhat smaller.
    Shape shape_of_rank(std::size_t rank, double least = 0);
    /// A shape of so many axes and that number of elements.
    Shape shape_of_elements(std::size_t elements, std::size_t rank);

    const std::vector<FedInput>& inputs() const { return inputs_; }
    const std::vector<Variable>& variables() const { return variables_; }

 private:
    Shape broadcast_partner(const Shape& shape);
    bool fits(const Shape& a, const Shape& b) const;

    Graph& graph_;
    Dice& dice_;
    std::size_t most_elements_;
    std::size_t names_ = 0;
    std::vector<RandomValue> values_;
    std::vector<FedInput> inputs_;
    std::vector<Variable> variables_;
};

}  // namespace duet::testing
