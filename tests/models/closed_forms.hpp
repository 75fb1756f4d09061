#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <duet/duet.hpp>

namespace duet::testing {

inline double sigmoid_of(double x) {
    return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}

inline double softplus_of(double x) {
    return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}

/// Scores as an array of shape (n, 1).
inline ArrayOf<double> column(const std::vector<double>& values) {
    ArrayOf<double> result = filled(Shape{values.size(), 1}, 0.0);
    std::copy(values.begin(), values.end(), result.data());
    return result;
}

}  // namespace duet::testing
