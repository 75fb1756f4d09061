#include <duet/graph/variable.hpp>

#include <algorithm>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>

namespace duet {

struct Variable::State {
    std::string name;
    Shape shape;
    Array value;
};

Variable::Variable(std::string name, const Array& initial)
    : state_(std::make_shared<State>(State{std::move(name), shape_of(initial), initial})) {}

Variable::Variable(std::string name, const Shape& shape, float value)
    : Variable(std::move(name), filled(shape, value)) {}

const std::string& Variable::name() const {
    return state_->name;
}
const Shape& Variable::shape() const {
    return state_->shape;
}
const Array& Variable::value() const {
    return state_->value;
}
float* Variable::data() const {
    return state_->value.data();
}

void Variable::assign(const Array& value) const {
    if (shape_of(value) != state_->shape)
        throw ShapeError(fmt::format("variable {} has shape {}, not {}: it keeps its shape for life", name(),
                                     to_string(shape()), to_string(shape_of(value))));
    std::copy_n(value.data(), value.size(), data());
}

template <class T>
Shape shape_of(const ArrayOf<T>& array) {
    return Shape(std::vector<std::size_t>(array.shape().begin(), array.shape().end()));
}
template Shape shape_of<float>(const ArrayOf<float>&);
template Shape shape_of<double>(const ArrayOf<double>&);

template <class T>
ArrayOf<T> filled(const Shape& shape, T value) {
    return ArrayOf<T>(typename ArrayOf<T>::shape_type(shape.begin(), shape.end()), value);
}
template ArrayOf<float> filled<float>(const Shape&, float);
template ArrayOf<double> filled<double>(const Shape&, double);

}  // namespace duet
