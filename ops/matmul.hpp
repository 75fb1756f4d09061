#pragma once

#include <duet/graph/tensor.hpp>

namespace duet {

/// The product of two matrices, (m, k) and (k, n) giving (m, n), of which each may be stored transposed: with
/// `transpose_a` the first is (k, m), with `transpose_b` the second is (n, k). Throws ShapeError for
/// arguments that are not matrices or whose inner extents differ. Sums are formed by BLAS, in tiles that
/// depend on the shapes and on the BLAS kernel alone.
Tensor matmul(Operand a, Operand b, bool transpose_a = false, bool transpose_b = false);

}  // namespace duet
