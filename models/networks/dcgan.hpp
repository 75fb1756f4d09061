#pragma once

#include <cstdint>

#include <duet/models/gan_shape.hpp>
#include <duet/models/networks/network.hpp>

namespace duet::models {

/// The networks of Radford et al. 2015 for images of any size that strides of 2 fit, by the rules of their
/// section 3: no pooling but strided convolutions, batch normalisation everywhere but in the generator's
/// output and the discriminator's input layer, ReLU in the generator with tanh at its end, leaky ReLU of
/// slope 0.2 in the discriminator, weights from a normal of deviation 0.02. Kernels are 4x4, as in PyTorch's
/// example, so that each position of a map is made of as many. Layers followed by batch normalisation have
/// no bias; its scales start from a normal around 1 of deviation 0.02, as in the paper's own code.
///
/// With classes, batch normalisation in the generator is conditional and the discriminator's score is a
/// projection (Miyato and Koyama 2018): calls need labels. The scales and shifts of classes start from
/// normals of deviation 0.5, so that classes are told apart from the first step on.

/// (batch, latent) to (batch, channels, height, width) in [-1, 1]: a dense layer to the first map, then
/// transposed convolutions that double its sides. Throws Error as check_shape.
Network dcgan_generator(const GanShape& shape, std::uint64_t seed, Where where = {});

/// (batch, channels, height, width) to logits or critic's scores (batch, 1): convolutions that halve the
/// sides, then a dense layer. Throws Error as check_shape.
Network dcgan_discriminator(const GanShape& shape, std::uint64_t seed, Where where = {});

}  // namespace duet::models
