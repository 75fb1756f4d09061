#pragma once

#include <cstddef>

#include <duet/graph/tensor.hpp>

namespace duet {

/// Indices travel in the element type, so at most 2^24 rows, classes or places can be told apart: where more
/// are declared, ShapeError is thrown, since float has not all whole numbers beyond. A run throws FeedError,
/// naming value and position, for one that is not a whole number or out of range. No gradient leads through
/// indices.

/// The rows of `table`, of shape (r, ...), at `indices` of any shape (n): (n, ...). Throws ShapeError for a
/// scalar table.
Tensor gather(Operand table, Operand indices);

/// The gradient of gather: zeros of shape (rows, ...), to whose row indices[i] values[i] is added, in
/// ascending i. `values` has shape (n, ...) for indices of shape (n); throws ShapeError otherwise.
Tensor scatter_add(Operand values, Operand indices, std::size_t rows);

/// (n, depth) for indices of shape (n): 1 at each index, 0 elsewhere.
Tensor one_hot(Operand indices, std::size_t depth);

}  // namespace duet
