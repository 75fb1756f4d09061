#pragma once

#include <cstddef>

#include <duet/graph/tensor.hpp>

namespace duet {

/// Images of other sizes, for x of shape (batch, channels, height, width), as torch.nn.functional's
/// `interpolate` and `pixel_shuffle` make them. All throw ShapeError if x has not four axes and for a factor
/// of 0.

/// Each element as a square of factor x factor equal ones.
Tensor upsample_nearest2d(Operand x, std::size_t factor);

/// Linear interpolation along the height and along the width. Pixel i of the result lies at (i + 1/2) /
/// factor - 1/2 of an axis of x, held within it; with `align_corners` at i (n - 1) / (factor n - 1), n being
/// the axis's extent, so that the corner pixels keep their values.
Tensor upsample_bilinear2d(Operand x, std::size_t factor, bool align_corners = false);

/// Channels become squares of pixels (Shi et al. 2016): (batch, channels, factor height, factor width) from
/// x of shape (batch, channels factor^2, height, width); channel c factor^2 + i factor + j gives the pixels
/// that are i from the top and j from the left of their squares. Throws ShapeError too if factor^2 does not
/// divide the channels.
Tensor pixel_shuffle(Operand x, std::size_t factor);

}  // namespace duet
