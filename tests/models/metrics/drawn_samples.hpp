#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <xtensor/xarray.hpp>

#include <duet/data/safetensors.hpp>
#include <duet/models/metrics/estimate.hpp>

namespace duet::models {

/// n samples of N(0, scale^2) in d dimensions.
inline Samples gaussian(std::size_t n, std::size_t d, std::uint64_t seed, double scale = 1) {
    std::mt19937_64 engine(seed);
    std::normal_distribution<double> normal(0, scale);
    Samples samples = Samples::from_shape({n, d});
    for (std::size_t i = 0; i < samples.size(); ++i) samples.data()[i] = normal(engine);
    return samples;
}

/// Rows begin ... end - 1.
inline Samples rows_between(const Samples& samples, std::size_t begin, std::size_t end) {
    const std::size_t d = samples.shape()[1];
    Samples part = Samples::from_shape({end - begin, d});
    std::copy(samples.data() + begin * d, samples.data() + end * d, part.data());
    return part;
}

/// What remains when block b is left out.
inline Samples without_block(const Samples& samples, std::size_t b) {
    const auto block = jackknife_block_of(samples.shape()[0]);
    const std::size_t d = samples.shape()[1];
    std::vector<double> values;
    for (std::size_t i = 0; i < block.size(); ++i)
        if (block[i] != b) values.insert(values.end(), samples.data() + i * d, samples.data() + (i + 1) * d);
    Samples rest = Samples::from_shape({values.size() / d, d});
    std::copy(values.begin(), values.end(), rest.data());
    return rest;
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

inline bool same(const Jackknife& a, const Jackknife& b) {
    return a.value == b.value && a.without == b.without && a.corrected == b.corrected;
}

}  // namespace duet::models
