#pragma once

#include <array>
#include <cstddef>

#include <duet/graph/tensor.hpp>

namespace duet {

/// Windows over the last two axes of x, of shape (batch, channels, height, width), as torch.nn.functional's
/// pools have them: (height + 2 padding - kernel) / stride + 1 of them along the height, rounded down, and so
/// along the width; rows and columns left over at the end are not read. All ops here throw ShapeError if x
/// has not four axes, for a kernel of 0 or larger than the padded x, and for a padding of more than half the
/// kernel.
struct Pool2d {
    std::array<std::size_t, 2> kernel{2, 2};
    /// From one window to the next; 0 stands for the kernel's extent.
    std::array<std::size_t, 2> stride{0, 0};
    /// Added on both sides of each axis.
    std::array<std::size_t, 2> padding{0, 0};
};

/// The sum over each window; padding counts as zeros.
Tensor sum_pool2d(Operand x, const Pool2d& how = {});

/// The transpose of sum_pool2d and its gradient: zeros of shape (batch, channels, height, width) =
/// (..., extents) to which each element of x is added at all places of its window. Throws ShapeError too
/// unless windows over those extents are as many as x has elements.
Tensor sum_unpool2d(Operand x, const Pool2d& how, std::array<std::size_t, 2> extents);

/// The mean over each window. Padding counts as zeros, or not at all if not `count_include_pad`.
Tensor avg_pool2d(Operand x, const Pool2d& how = {}, bool count_include_pad = true);

/// The largest element of each window, padding left out; NaN if one of them is. The first of equal elements,
/// row by row, gets the gradient, or the last NaN. Throws ShapeError too if height times width is more than
/// 2^24 (see indexing.hpp).
Tensor max_pool2d(Operand x, const Pool2d& how = {});

/// The mean over the last two axes: (batch, channels).
Tensor global_avg_pool2d(Operand x);

}  // namespace duet
