#pragma once

#include <cstdint>
#include <string>

#include <duet/graph/variable.hpp>

namespace duet::models {

/// How a weight of shape (outputs, inputs) starts.
struct Initializer {
    enum class Kind {
        glorot_uniform,  ///< uniform in +-sqrt(6 / (inputs + outputs)); Glorot and Bengio 2010, equation 16
        he_normal,       ///< normal of variance 2 / inputs; He et al. 2015, equation 10
        normal,          ///< normal of standard deviation `deviation`; 0.02 in Radford et al. 2015
    };
    Kind kind = Kind::glorot_uniform;
    double deviation = 0.02;
};

/// A variable of shape (outputs, inputs) whose initial value depends on `seed` and its name alone.
Variable initialized(std::string name, const Shape& shape, const Initializer& initializer,
                     std::uint64_t seed);

}  // namespace duet::models
