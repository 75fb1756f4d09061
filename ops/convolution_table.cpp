#include <duet/ops/convolution_table.hpp>

namespace duet {

ConvolutionTargets convolution_targets(std::string_view blas_kernel, ConvolutionPass) {
    constexpr std::size_t unlimited = ~std::size_t{0};
    if (blas_kernel == "SkylakeX" || blas_kernel == "Cooperlake" || blas_kernel == "SapphireRapids")
        return {32, 256, 128, 1000000};
    return {196, 1024, unlimited, 16 << 20};
}

}  // namespace duet
