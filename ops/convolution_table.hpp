#pragma once

#include <cstddef>
#include <string_view>

#include <duet/ops/convolution_plan.hpp>

namespace duet {

/// What plan_convolution aims at for a block.
struct ConvolutionTargets {
    /// Columns of the lowered image: samples of fewer pixels are taken together.
    std::size_t columns;
    /// Samples of more pixels are cut by rows.
    std::size_t most_columns;
    /// Feature channels in one matrix product, and its multiplications.
    std::size_t features, products;
};

/// The targets that `tools/tune` measured best with the OpenBLAS kernel of that name; those of a kernel it
/// has not seen are cautious ones.
ConvolutionTargets convolution_targets(std::string_view blas_kernel, ConvolutionPass pass);

}  // namespace duet
