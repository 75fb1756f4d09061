#pragma once

#include <memory>

#include <duet/graph/op.hpp>
#include <duet/ops/kernels/convolution_geometry.hpp>

namespace duet {

/// True if all tiles of a pass multiply by the same arrangement of its second operand, the weight or the
/// features, which then is better made once.
bool shares_operand(const ConvolutionGeometry& geometry, const ConvolutionPlan& plan, ConvolutionPass pass);

/// The op that makes it (ops/kernels/arranged_panels.hpp, ops/kernels/winograd_operand.hpp). Nodes of equal
/// `purpose`, the pass and how it convolves, share it.
std::shared_ptr<const Op> arrange_operand(const ConvolutionGeometry& geometry, ConvolutionPass pass,
                                          Attributes purpose);

}  // namespace duet
