#pragma once

#include <cstdint>
#include <vector>

#include <duet/models/gan_shape.hpp>
#include <duet/models/networks/network.hpp>

namespace duet::models {

/// A generator and a discriminator that belong together. The generator draws images in the shape's range;
/// the discriminator ends in one linear score: a logit, or a critic's score.
struct GanModel {
    GanShape shape;
    Network generator;
    Network discriminator;

    /// What a weights file holds: the parameters of both networks, then the running statistics of both.
    std::vector<Variable> variables() const;
};

/// The networks that a shape describes: mlp_gan, dcgan, resnet_gan or cgan by its kind. Throws Error as
/// check_shape.
GanModel make_gan(const GanShape& shape, std::uint64_t seed, Where where = {});

/// The article's pair, ReLU between layers, of any widths. Throws Error as check_shape: if the widths do not
/// fit each other and the image, or the discriminator does not end in one score.
GanModel mlp_gan(const GanShape& shape, std::uint64_t seed, Where where = {});

}  // namespace duet::models
