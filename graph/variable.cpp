#include <duet/graph/variable.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <optional>
#include <type_traits>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>

namespace duet {

namespace {

void check_limit(const std::string& name, const Shape& shape) {
    try {
        check_bytes(shape);
    } catch (const ShapeError& error) {
        throw ShapeError(fmt::format("variable {}: {}", name, error.what()));
    }
}

Array with_memory(const std::string& name, const std::function<Array()>& initial) {
    try {
        return initial();
    } catch (const MemoryError& error) {
        throw MemoryError(fmt::format("variable {}: {}", name, error.what()));
    }
}

}  // namespace

struct Variable::State {
    State(std::string given_name, const Array& initial)
        : name(std::move(given_name)), shape(shape_of(initial)), single(initial) {}
    State(std::string given_name, const Shape& given_shape, std::function<Array()> given_initial)
        : name(std::move(given_name)),
          shape(given_shape),
          initial(std::move(given_initial)),
          newest(Newest::initial) {}

    /// Makes the value of type T the newest, if the other one is.
    template <class T>
    void refresh() {
        constexpr bool wants_exact = std::is_same_v<T, double>;
        const Newest found = newest.load(std::memory_order_acquire);
        if (found == (wants_exact ? Newest::exact : Newest::single) || found == Newest::both) return;
        const std::lock_guard lock(mutex);
        if (newest == Newest::initial) {
            Array value = with_memory(name, initial);
            if (shape_of(value) != shape)
                throw ShapeError(fmt::format("variable {} has shape {}; its initial value has {}", name,
                                             to_string(shape), to_string(shape_of(value))));
            single = std::move(value);
            newest.store(Newest::single, std::memory_order_release);
            if constexpr (!wants_exact) return;
        }
        if (newest == Newest::exact) {
            std::transform(exact->begin(), exact->end(), single.begin(),
                           [](double value) { return static_cast<float>(value); });
        } else if (newest == Newest::single) {
            if (!exact) exact.emplace(filled(shape, 0.0));
            std::copy(single.begin(), single.end(), exact->begin());
        }
        newest.store(Newest::both, std::memory_order_release);
    }

    template <class T>
    ArrayOf<T>& of() {
        refresh<T>();
        if constexpr (std::is_same_v<T, double>)
            return *exact;
        else
            return single;
    }

    std::string name;
    Shape shape;
    Array single;
    std::function<Array()> initial;
    /// Empty until a float64 program asks for it.
    std::optional<ArrayOf<double>> exact;
    enum class Newest { initial, single, exact, both };
    std::atomic<Newest> newest = Newest::single;
    std::mutex mutex;
};

Variable::Variable(std::string name, const Array& initial)
    : state_(std::make_shared<State>(std::move(name), initial)) {}

Variable::Variable(std::string name, const Shape& shape, float value) {
    check_limit(name, shape);
    const Array initial = with_memory(name, [&] { return filled(shape, value); });
    state_ = std::make_shared<State>(std::move(name), initial);
}

Variable::Variable(std::string name, const Shape& shape, std::function<Array()> initial) {
    check_limit(name, shape);
    state_ = std::make_shared<State>(std::move(name), shape, std::move(initial));
}

const std::string& Variable::name() const {
    return state_->name;
}
const Shape& Variable::shape() const {
    return state_->shape;
}

template <class T>
const ArrayOf<T>& Variable::value() const {
    return state_->of<T>();
}
template const ArrayOf<float>& Variable::value<float>() const;
template const ArrayOf<double>& Variable::value<double>() const;

template <class T>
T* Variable::data() const {
    return state_->of<T>().data();
}
template float* Variable::data<float>() const;
template double* Variable::data<double>() const;

template <class T>
void Variable::written() const {
    state_->newest = std::is_same_v<T, double> ? State::Newest::exact : State::Newest::single;
}
template void Variable::written<float>() const;
template void Variable::written<double>() const;

void Variable::assign(const Array& value) const {
    if (shape_of(value) != state_->shape)
        throw ShapeError(fmt::format("variable {} has shape {}, not {}: it keeps its shape for life", name(),
                                     to_string(shape()), to_string(shape_of(value))));
    if (state_->newest == State::Newest::initial) state_->single = value;
    std::copy_n(value.data(), value.size(), state_->single.data());
    written();
}

void Variable::fill(float value) const {
    if (state_->newest == State::Newest::initial) state_->single = filled(shape(), value);
    state_->single.fill(value);
    written();
}

void Variable::start_as(std::function<Array()> initial) const {
    if (state_->newest == State::Newest::initial)
        state_->initial = std::move(initial);
    else
        assign(with_memory(name(), initial));
}

template <class T>
Shape shape_of(const ArrayOf<T>& array) {
    return Shape(std::vector<std::size_t>(array.shape().begin(), array.shape().end()));
}
template Shape shape_of<float>(const ArrayOf<float>&);
template Shape shape_of<double>(const ArrayOf<double>&);

template <class T>
ArrayOf<T> filled(const Shape& shape, T value) {
    try {
        return ArrayOf<T>(typename ArrayOf<T>::shape_type(shape.begin(), shape.end()), value);
    } catch (const std::bad_alloc&) {
        throw MemoryError(fmt::format("not enough memory for an array {} of {} bytes", to_string(shape),
                                      shape.elements() * sizeof(T)));
    }
}
template ArrayOf<float> filled<float>(const Shape&, float);
template ArrayOf<double> filled<double>(const Shape&, double);

}  // namespace duet
