#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <duet/graph/variable.hpp>
#include <duet/graph/where.hpp>

namespace duet::models {

/// How a weight starts, of shape (outputs, inputs) or (outputs, inputs, height, width); each connection of a
/// kernel of height x width counts, as PyTorch counts the fans.
struct Initializer {
    enum class Kind {
        glorot_uniform,  ///< uniform in +-gain sqrt(6 / (inputs + outputs)); Glorot and Bengio 2010, equation
                         ///< 16
        he_normal,       ///< normal of variance 2 / inputs; He et al. 2015, equation 10
        normal,          ///< normal of mean `mean` and standard deviation `deviation`
    };
    Kind kind = Kind::glorot_uniform;
    double deviation = 0.02;  ///< of Radford et al. 2015
    double mean = 0.0;
    double gain = 1.0;
};

/// A variable of this shape whose initial value depends on `seed` and its name alone, and is drawn when it is
/// first read. Throws Error for an
/// empty name, and for a mean, deviation or gain that is not finite or, but for the mean, negative.
Variable initialized(std::string name, const Shape& shape, const Initializer& initializer, std::uint64_t seed,
                     Where where = {});

/// A variable of this shape, all elements `value`, whose memory is taken when it is first read.
Variable constant_variable(std::string name, const Shape& shape, float value);

/// The shape of these extents. Throws ShapeError as Shape does, naming the line and what has that shape.
Shape checked_shape(const std::string& name, std::vector<std::size_t> extents, Where where);

}  // namespace duet::models
