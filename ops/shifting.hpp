#pragma once

#include <duet/graph/tensor.hpp>

namespace duet {

/// Images (batch, channels, height, width) shifted by whole pixels: pixel (y, x) of image i is pixel
/// (y + moves[i, 0], x + moves[i, 1]) of the image given, and 0 where that is outside of it. `moves` has the
/// shape (batch, 2), and travels in the element type: a run throws FeedError for a move that is not a whole
/// number. Throws ShapeError for other shapes. No gradient leads through the moves.
Tensor shift2d(Operand images, Operand moves);

}  // namespace duet
