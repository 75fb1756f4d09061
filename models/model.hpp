#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include <duet/models/image_format.hpp>
#include <duet/models/networks/network.hpp>

namespace duet::models {

/// The network of the generator's averaged weights. Its variables are named after it, as all are.
inline constexpr const char* averaged_generator = "average.generator";

/// The networks of a GAN that belong together: one called "generator", which draws images in the format's
/// range from `latent` numbers, and one called "discriminator", which ends in one linear score, a logit or a
/// critic's.
struct Model {
    ImageFormat images;
    std::size_t latent;
    std::vector<Network> networks;

    /// Throws Error for another name.
    const Network& network(std::string_view name) const;
    const Network& generator() const { return network("generator"); }
    const Network& discriminator() const { return network("discriminator"); }
    /// The network `averaged_generator`; null where none is kept.
    const Network* average() const;
    /// What images are drawn with: the average where there is one, else the generator.
    const Network& drawing() const;
    /// The same without the average.
    Model raw() const;
    /// What a weights file holds: the parameters of all networks, then their running statistics.
    std::vector<Variable> variables() const;
};

}  // namespace duet::models
