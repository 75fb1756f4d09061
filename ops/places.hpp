#pragma once

#include <duet/graph/shape.hpp>
#include <duet/graph/tensor.hpp>

namespace duet {

/// The element of each plane of (batch, channels, height, width) at each of the places of its own, counted
/// within the plane. They are not checked.
Tensor take_at(const Tensor& images, const Tensor& places);

/// Images of zeros to which values are added, each at its place in its plane.
Tensor add_at(const Tensor& values, const Tensor& places, const Shape& images);

}  // namespace duet
