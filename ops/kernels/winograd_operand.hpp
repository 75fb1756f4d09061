#pragma once

#include <cstddef>

#include <duet/graph/shape.hpp>
#include <duet/ops/kernels/convolution_geometry.hpp>

namespace duet {

/// The shape of a pass's second operand as the tiles multiply by it, which is made once for all of them. The
/// weight at every point: for features (points, points, panels, phases and image channels, columns of a
/// panel), for an image (points, points, panels, feature channels, columns of a panel). The features at every
/// point, for a weight: (panels, tiles of all points and samples, columns of a panel).
Shape winograd_operand(const ConvolutionGeometry& geometry, ConvolutionPass pass);

/// True if it is better made once. For a weight, whose tiles are cut from both sides, a few of them may as
/// well evaluate the same features again, and many values at points would take more memory than they are
/// worth.
bool shares_winograd_operand(const ConvolutionGeometry& geometry, const ConvolutionPlan& plan,
                             ConvolutionPass pass);

/// Writes the `part`-th of `parts` parts of it, zeros behind the last column.
template <class T>
void transform_operand(const ConvolutionGeometry& geometry, ConvolutionPass pass, const T* operand,
                       std::size_t part, std::size_t parts, T* scratch, T* transformed);
/// Elements of scratch memory for that.
std::size_t winograd_operand_scratch(const ConvolutionGeometry& geometry, ConvolutionPass pass);

}  // namespace duet
