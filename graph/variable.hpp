#pragma once

#include <memory>
#include <string>

#include <duet/graph/array.hpp>
#include <duet/graph/shape.hpp>

namespace duet {

/// A named parameter that lives outside any graph, so that graphs of other batch sizes share it. Copies are
/// handles on the same value; two variables are equal when they are the same one.
class Variable {
 public:
    /// The variable keeps `initial`'s shape for life.
    Variable(std::string name, const Array& initial);
    /// All elements `value`.
    Variable(std::string name, const Shape& shape, float value);

    const std::string& name() const;
    const Shape& shape() const;
    const Array& value() const;
    /// Copies `value` in, into the same storage. Throws ShapeError if its shape differs.
    void assign(const Array& value) const;
    float* data() const;

    friend bool operator==(const Variable& a, const Variable& b) { return a.state_ == b.state_; }

 private:
    struct State;
    std::shared_ptr<State> state_;
};

/// The shape of an array.
template <class T>
Shape shape_of(const ArrayOf<T>& array);
extern template Shape shape_of<float>(const ArrayOf<float>&);
extern template Shape shape_of<double>(const ArrayOf<double>&);

/// An array of a given shape with every element `value`.
template <class T>
ArrayOf<T> filled(const Shape& shape, T value);
extern template ArrayOf<float> filled<float>(const Shape&, float);
extern template ArrayOf<double> filled<double>(const Shape&, double);

}  // namespace duet
