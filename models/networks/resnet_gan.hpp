#pragma once

#include <cstdint>

#include <duet/models/gan_shape.hpp>
#include <duet/models/networks/network.hpp>

namespace duet::models {

/// The residual networks of Miyato et al. 2018, table 3 and figure 8, whose widths `shape` chooses; without
/// their spectral normalisation, in whose place a gradient penalty is to stand. Convolutions are 3x3, of
/// padding 1, with biases; weights are Glorot-uniform, of gain sqrt(2) within the blocks' main paths.
///
/// With classes, batch normalisation in the generator is conditional and the discriminator's score is a
/// projection (Miyato and Koyama 2018): calls need labels.

/// (batch, latent) to (batch, channels, height, width) in [-1, 1]: a dense layer to a map of 4x4, blocks that
/// double its sides (batch normalisation, ReLU, nearest upsampling, convolution, batch normalisation, ReLU,
/// convolution, beside upsampling and a 1x1 convolution), batch normalisation, ReLU, convolution and tanh.
/// Throws Error as check_shape.
Network resnet_generator(const GanShape& shape, std::uint64_t seed, Where where = {});

/// (batch, channels, height, width) to logits or critic's scores (batch, 1): blocks of ReLU, convolution,
/// ReLU, convolution, the first two with average pooling, beside a 1x1 convolution where sides or channels
/// change; then ReLU, the sum over positions and a dense layer. Without batch normalisation. Throws Error as
/// check_shape.
Network resnet_discriminator(const GanShape& shape, std::uint64_t seed, Where where = {});

}  // namespace duet::models
