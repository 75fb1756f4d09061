#pragma once

#include <cstddef>
#include <vector>

#include <duet/data/spec.hpp>

namespace duet::bench {

/// One matrix product of a step, C (m, n) = op(A) op(B) over k, as layers store their operands.
struct Gemm {
    bool transpose_a, transpose_b;
    std::size_t m, n, k;

    double flops() const {
        return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
    }
};

/// The products that a step needs whoever computes it, written down from the layers' sizes: for each pass
/// through a network the forward products, the gradients with regard to weights, and those with regard to
/// layers' inputs; a convolution is one product a pass, of all its columns at once. With a penalty those of
/// its gradient, and of that gradient's own, come on top. For a fitted recipe of the models mlp and dcgan.
std::vector<Gemm> step_gemms(const Spec& recipe);

double flops(const std::vector<Gemm>& gemms);

/// The products alone: each one whole call of sgemm on the calling thread, operands kept in the smallest
/// buffers that hold them. What a step takes divided by what this takes is its distance to the machine's
/// limit.
class Floor {
 public:
    explicit Floor(std::vector<Gemm> gemms);
    void run();
    double flops() const { return bench::flops(gemms_); }

 private:
    std::vector<Gemm> gemms_;
    std::vector<float> a_, b_, c_;
};

}  // namespace duet::bench
