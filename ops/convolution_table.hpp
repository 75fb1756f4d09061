#pragma once

#include <cstddef>
#include <string_view>

#include <duet/ops/convolution_plan.hpp>

namespace duet {

/// What plan_convolution aims at.
struct ConvolutionTargets {
    /// Columns of a block's matrix product, where samples of few pixels are taken together.
    std::size_t columns;
    /// Elements of a block's lowered image.
    std::size_t lowered;
};

/// The targets that `tools/tune` measured best with the OpenBLAS kernel of that name; those of a kernel it
/// has not seen are cautious ones.
ConvolutionTargets convolution_targets(std::string_view blas_kernel, ConvolutionPass pass);

}  // namespace duet
