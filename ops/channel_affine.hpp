#pragma once

#include <cstddef>

#include <duet/graph/tensor.hpp>

namespace duet {

/// x * factor + shift, where factor and shift hold one number for each index of some adjacent axes of `x`,
/// those from `first`, a negative one counted from the end: for (batch, channels, height, width) and first =
/// 1, factors of shape (channels). The same as broadcasting two elementwise ops, without laying the numbers
/// out beside the elements. Throws ShapeError unless factor and shift have the extents of those axes.
Tensor channel_affine(Operand x, std::ptrdiff_t first, Operand factor, Operand shift);

/// x * factor, likewise.
Tensor channel_scale(Operand x, std::ptrdiff_t first, Operand factor);

}  // namespace duet
