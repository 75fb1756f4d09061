#include <duet/ops/convolution_table.hpp>

#include <array>

namespace duet {

namespace {

struct Row {
    std::string_view blas_kernel;
    /// For the features, the image and the weight.
    std::array<ConvolutionTargets, 3> targets;
};

// Printed by `build/tools/tune/tune`, once with each kernel; the last row is that of all other kernels.
constexpr Row table[] = {
#include "convolution_table.inc"
};

}  // namespace

ConvolutionTargets convolution_targets(std::string_view blas_kernel, ConvolutionPass pass) {
    const Row* row = table;
    while (!row->blas_kernel.empty() && row->blas_kernel != blas_kernel) ++row;
    return row->targets[static_cast<std::size_t>(pass)];
}

}  // namespace duet
