#pragma once

#include <array>
#include <cstddef>

#include <duet/graph/tensor.hpp>

namespace duet {

/// Where a kernel meets an image, along (height, width): it moves by `stride` over the image with `padding`
/// zeros on each side, and its taps are `dilation` pixels apart. With several groups, channels are divided
/// among them in order and each group is a convolution of its own.
struct Convolution2d {
    std::array<std::size_t, 2> stride{1, 1}, padding{0, 0}, dilation{1, 1};
    std::size_t groups = 1;
};

/// All three compute what PyTorch's functions of the same names do. None has a bias: add it reshaped to
/// (channels, 1, 1). Each is the gradient of the others, so that gradients of any order exist (Dumoulin &
/// Visin 2016, "A guide to convolution arithmetic for deep learning", sections 2 and 4). They throw
/// ShapeError for arguments that are not as said, that groups do not divide, or where nothing is left of the
/// image.

/// The cross-correlation of images (N, C, H, W) with kernels (O, C / groups, h, w): (N, O, H', W') with
/// H' = floor((H + 2 padding - dilation (h - 1) - 1) / stride) + 1, and W' likewise.
Tensor conv2d(Operand x, Operand weight, const Convolution2d& how = {});

/// The transpose of conv2d as a linear map, also called deconvolution: features (N, C, H, W) and kernels
/// (C, O / groups, h, w) give (N, O, H', W') with
/// H' = (H - 1) stride - 2 padding + dilation (h - 1) + 1 + output_padding, and W' likewise. The output
/// padding, smaller than the stride, chooses among the sizes of images that conv2d makes features of this
/// size from.
Tensor conv_transpose2d(Operand x, Operand weight, const Convolution2d& how = {},
                        std::array<std::size_t, 2> output_padding = {0, 0});

/// The gradient of sum(seed * conv2d(x, weight, how)) with regard to the weight: images (N, C, H, W) and
/// seed (N, O, H', W') give (O, C / groups, kernel).
Tensor conv2d_weight_gradient(Operand x, Operand seed, std::array<std::size_t, 2> kernel,
                              const Convolution2d& how = {});

}  // namespace duet
