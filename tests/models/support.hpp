#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <duet/duet.hpp>

namespace duet::testing {

/// |a - b|_2 / |b|_2; the absolute error where b is zero.
template <class A, class B>
double relative_error(const A& a, const B& b) {
    double difference = 0, norm = 0;
    for (std::size_t i = 0; i < b.size(); ++i) {
        const double d = static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i]);
        difference += d * d;
        norm += static_cast<double>(b.data()[i]) * static_cast<double>(b.data()[i]);
    }
    return norm == 0 ? std::sqrt(difference) : std::sqrt(difference / norm);
}

template <class T>
bool same_bits(const ArrayOf<T>& a, const ArrayOf<T>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

inline std::vector<Array> values_of(const std::vector<Variable>& variables) {
    std::vector<Array> values;
    for (const Variable& variable : variables) values.push_back(variable.value());
    return values;
}

inline bool all_same_bits(const std::vector<Array>& a, const std::vector<Array>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_bits<float>);
}

/// An array of the other element type.
template <class T, class U>
ArrayOf<T> converted(const ArrayOf<U>& array) {
    ArrayOf<T> result = filled(shape_of(array), T(0));
    for (std::size_t i = 0; i < array.size(); ++i) result.data()[i] = static_cast<T>(array.data()[i]);
    return result;
}

inline std::string fixture(const std::string& name) {
    return std::string(DUET_SOURCE_DIR) + "/tests/fixtures/" + name + ".safetensors";
}

}  // namespace duet::testing
