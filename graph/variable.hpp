#pragma once

#include <functional>
#include <memory>
#include <string>

#include <duet/graph/array.hpp>
#include <duet/graph/shape.hpp>

namespace duet {

/// A named parameter that lives outside any graph, so that graphs of other batch sizes share it. Copies are
/// handles on the same value; two variables are equal when they are the same one.
///
/// It has one value, in float32. Once a float64 program uses the variable, the value is kept in float64
/// beside it, one for all such programs: what is assigned or trained in either type is what the other finds
/// next, float32 its rounding.
class Variable {
 public:
    /// The variable keeps `initial`'s shape for life.
    Variable(std::string name, const Array& initial);
    /// All elements `value`. Throws ShapeError for a shape of more than `max_tensor_bytes`, and MemoryError
    /// if that much cannot be had.
    Variable(std::string name, const Shape& shape, float value);
    /// What `initial` gives, which must have that shape, is asked for and takes memory when the value is
    /// first read. Until then the variable is a name and a shape. Throws ShapeError as above.
    Variable(std::string name, const Shape& shape, std::function<Array()> initial);

    const std::string& name() const;
    const Shape& shape() const;
    /// The value in float or double.
    template <class T = float>
    const ArrayOf<T>& value() const;
    /// Copies `value` in, into the same storage. Throws ShapeError if its shape differs.
    void assign(const Array& value) const;
    /// Sets every element.
    void fill(float value) const;

    /// Starts it as what `initial` gives, which must have its shape, in place of what it was made with: asked
    /// for when the value is first read, and at once if it was read or set before.
    void start_as(std::function<Array()> initial) const;

    /// The storage of `value<T>()`, which stays where it is. Who writes to it says so with `written`.
    template <class T = float>
    T* data() const;
    template <class T = float>
    void written() const;

    friend bool operator==(const Variable& a, const Variable& b) { return a.state_ == b.state_; }

 private:
    struct State;
    std::shared_ptr<State> state_;
};

extern template const ArrayOf<float>& Variable::value<float>() const;
extern template const ArrayOf<double>& Variable::value<double>() const;
extern template float* Variable::data<float>() const;
extern template double* Variable::data<double>() const;
extern template void Variable::written<float>() const;
extern template void Variable::written<double>() const;

/// The shape of an array.
template <class T>
Shape shape_of(const ArrayOf<T>& array);
extern template Shape shape_of<float>(const ArrayOf<float>&);
extern template Shape shape_of<double>(const ArrayOf<double>&);

/// An array of a given shape with every element `value`. Throws MemoryError, naming shape and bytes, if there
/// is no memory for it.
template <class T>
ArrayOf<T> filled(const Shape& shape, T value);
extern template ArrayOf<float> filled<float>(const Shape&, float);
extern template ArrayOf<double> filled<double>(const Shape&, double);

}  // namespace duet
