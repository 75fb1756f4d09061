#pragma once

#include <string_view>

#include <duet/ops/convolution_plan.hpp>

namespace duet {

/// The targets that `tools/tune` measured best with the OpenBLAS kernel of that name; those of a kernel it
/// has not seen are a compromise.
ConvolutionTargets convolution_targets(std::string_view blas_kernel, ConvolutionPass pass);

}  // namespace duet
