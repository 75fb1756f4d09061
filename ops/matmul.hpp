#pragma once

#include <duet/graph/tensor.hpp>

namespace duet {

/// The product of two matrices, (m, k) and (k, n) giving (m, n), of which each may be stored transposed: with
/// `transpose_a` the first is (k, m), with `transpose_b` the second is (n, k). Throws ShapeError for
/// arguments that are not matrices or whose inner extents differ. In float each sum is one chain of fused
/// multiply-adds in the order of its terms, whatever the processor; in double a BLAS forms it.
Tensor matmul(Operand a, Operand b, bool transpose_a = false, bool transpose_b = false);

}  // namespace duet
