#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "simulation.hpp"

namespace duet::models {

/// n samples of N(0, scale^2) in d dimensions.
inline Samples gaussian(std::size_t n, std::size_t d, std::uint64_t seed, double scale = 1) {
    return normal_samples(n, std::vector<double>(d, scale), seed);
}

/// Rows begin ... end - 1.
inline Samples rows_between(const Samples& samples, std::size_t begin, std::size_t end) {
    const std::size_t d = samples.shape()[1];
    Samples part = Samples::from_shape({end - begin, d});
    std::copy(samples.data() + begin * d, samples.data() + end * d, part.data());
    return part;
}

/// Of repeated simulations.
struct Moments {
    double sum = 0, squares = 0, count = 0;

    void add(double value) {
        sum += value;
        squares += value * value;
        ++count;
    }
    double mean() const { return sum / count; }
    double variance() const { return (squares - sum * sum / count) / (count - 1); }
    double standard_error() const { return std::sqrt(variance() / count); }
};

/// Repeats of a simulation.
#ifdef DUET_SANITIZED
constexpr std::size_t simulations = 10;
#else
constexpr std::size_t simulations = 100;
#endif

}  // namespace duet::models
