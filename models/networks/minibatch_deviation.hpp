#pragma once

#include <cstddef>

#include <duet/graph/tensor.hpp>

namespace duet::models {

/// x of shape (batch, channels, ...) with one more channel: how much a sample's group varies, so that a
/// discriminator sees that a generator draws the same again and again (Karras et al. 2018, section 3; in the
/// form of the code of Karras et al. 2020, with one feature). Sample i is in the group of i modulo the number
/// of groups, each of `group` samples, of the whole batch if that is smaller. The channel is, in each of the
/// group's samples, the mean over channels and positions of sqrt(variance over the group + 1e-8). Throws
/// ShapeError for a group that does not divide the batch, or is 0, and for fewer than two axes.
Tensor minibatch_deviation(Operand x, std::size_t group);

}  // namespace duet::models
