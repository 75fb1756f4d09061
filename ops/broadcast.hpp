#pragma once

#include <initializer_list>
#include <memory>
#include <span>

#include <duet/graph/graph.hpp>
#include <duet/graph/op.hpp>
#include <duet/graph/tensor.hpp>
#include <duet/ops/shape_rules.hpp>

namespace duet {

/// `x` repeated to `shape` as NumPy broadcasts: axes are added in front, extents of 1 repeated. `x` itself if
/// it has the shape. Throws ShapeError if it cannot be repeated to it.
Tensor broadcast_to(Operand x, const Shape& shape);

/// The sum over what broadcasting from `shape` to the shape of `x` repeats: the gradient of broadcast_to. `x`
/// itself if it has the shape. Throws ShapeError if `shape` cannot be broadcast to that of `x`.
Tensor sum_to(Operand x, const Shape& shape);

/// Applies `op` to the operands repeated to their common shape; numbers become constants. Where the shapes
/// cannot be broadcast together, the op is applied as they are, so that its own shape rule rejects them by
/// its name.
Tensor apply_broadcast(std::shared_ptr<const Op> op, std::initializer_list<Operand> operands);

/// An elementwise op of several arguments whose shape rule says, where shapes differ, why they cannot be
/// broadcast.
template <class Derived>
class BroadcastingOf : public ElementwiseOf<Derived> {
 public:
    Shape shape(std::span<const Shape> inputs) const override {
        broadcast_shape(inputs);
        return ElementwiseOp::shape(inputs);
    }
};

}  // namespace duet
