#pragma once

#include <cstddef>
#include <vector>

#include <duet/graph/op.hpp>
#include <duet/graph/tensor.hpp>
#include <duet/ops/shape_rules.hpp>

namespace duet {

/// Ops that move elements and compute none. All throw ShapeError for arguments that do not fit the tensor's
/// shape. Negative axes count from the end.

/// The elements in row-major order under another shape of as many; copies nothing.
Tensor reshape(Operand x, const Shape& shape);

/// Axis i of the result is axis axes[i] of `x`; without `axes` they are reversed, as in NumPy.
Tensor transpose(Operand x, Axes axes = {});

/// The tensors one after another along `axis`; they agree in all other axes. Throws Error for an empty list.
Tensor concat(const std::vector<Tensor>& tensors, std::ptrdiff_t axis, Where where = {});

/// Elements begin[i], ..., end[i] - 1 along each axis i.
Tensor slice(Operand x, const std::vector<std::size_t>& begin, const std::vector<std::size_t>& end);

/// `x` with before[i] zeros in front of each axis i and after[i] behind it.
Tensor pad(Operand x, const std::vector<std::size_t>& before, const std::vector<std::size_t>& after);

/// The axes of the op, counted from 0, if it is a transpose, null otherwise: for ops that absorb one.
const Axes* transposed_axes(const Op& op);
/// The op that `transpose` applies, of axes counted from 0: for ops that are faster on a transposed input.
std::shared_ptr<const Op> transpose_op(Axes axes);

}  // namespace duet
