#pragma once

#include <cstddef>
#include <memory>

#include <duet/graph/op.hpp>

namespace duet {

/// The op that lays a matrix of n x k, the transpose of what is multiplied by, out in panels: for products
/// that share it.
std::shared_ptr<const Op> pack_panels_op();

/// The op that multiplies a matrix, m x k or with `transpose_a` k x m, by panels of `columns` columns in all;
/// if `accumulate` it adds the product to a third input.
std::shared_ptr<const Op> panel_matmul_op(bool transpose_a, bool accumulate, std::size_t columns);

}  // namespace duet
