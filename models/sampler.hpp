#pragma once

#include <cstddef>
#include <cstdint>

#include <duet/graph/program.hpp>
#include <duet/models/gan_model.hpp>

namespace duet::models {

/// Draws images from a generator. Image i depends on the weights, the seed and i alone: the first ten of a
/// thousand are the ten drawn alone, for any number of threads.
class Sampler {
 public:
    Sampler(const GanModel& model, std::uint64_t seed, const Arena& arena = Arena());

    /// Images 0 .. count-1 with the variables' present values: (count, pixels), each in [0, 1].
    Array draw(std::size_t count);

 private:
    std::size_t pixels_;
    Program<float> program_;
};

}  // namespace duet::models
