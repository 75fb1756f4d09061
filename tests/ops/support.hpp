#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/graph.hpp>
#include <duet/graph/runtime/program.hpp>

namespace duet::testing {

template <class T = double>
ArrayOf<T> array(const Shape& shape, const std::vector<double>& values) {
    ArrayOf<T> result = ArrayOf<T>::from_shape(shape.extents());
    REQUIRE(values.size() == shape.elements());
    for (std::size_t i = 0; i < values.size(); ++i) result.data()[i] = static_cast<T>(values[i]);
    return result;
}

/// Values in [-1, 1) that look random, the same for the same key.
inline std::vector<double> varied(const Shape& shape, unsigned key = 0) {
    std::vector<double> values(shape.elements());
    unsigned state = key * 2654435761U + 12345U;
    for (double& value : values) {
        state = state * 1664525U + 1013904223U;
        value = static_cast<double>(state >> 8) / (1 << 23) - 1.0;
    }
    return values;
}

using Build = std::function<Tensor(const std::vector<Tensor>&)>;

struct Argument {
    Shape shape;
    std::vector<double> values;
};

/// The value, in a Program<T>, of what `build` makes of inputs with these values.
template <class T = double>
ArrayOf<T> evaluate(const Build& build, const std::vector<Argument>& arguments) {
    Graph graph;
    std::vector<Tensor> inputs;
    std::vector<ArrayOf<T>> arrays;
    for (const Argument& argument : arguments) {
        inputs.push_back(graph.input("input" + std::to_string(inputs.size()), argument.shape));
        arrays.push_back(array<T>(argument.shape, argument.values));
    }
    const Tensor result = build(inputs);
    auto program = compile<T>(graph, {result});
    std::vector<FeedOf<T>> feeds;
    for (std::size_t i = 0; i < inputs.size(); ++i) feeds.push_back({inputs[i], arrays[i]});
    program.run(feeds);
    CHECK(shape_of(program[0]) == result.shape());
    return program[0];
}

template <class T>
std::vector<double> values_of(const ArrayOf<T>& value) {
    return std::vector<double>(value.data(), value.data() + value.size());
}

/// |a - b| / |b| in the Euclidean norm.
template <class T>
double distance(const ArrayOf<T>& a, const std::vector<double>& b) {
    REQUIRE(a.size() == b.size());
    double difference = 0, norm = 0;
    for (std::size_t i = 0; i < b.size(); ++i) {
        difference += (a.data()[i] - b[i]) * (a.data()[i] - b[i]);
        norm += b[i] * b[i];
    }
    return norm == 0 ? std::sqrt(difference) : std::sqrt(difference / norm);
}

/// The message of the Error that `action` throws; empty if it throws none.
template <class Error, class Action>
std::string message_of(const Action& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return {};
}

inline bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace duet::testing
