#pragma once

#include <cstddef>

#include <duet/ops/kernels/convolution_geometry.hpp>

namespace duet {

/// What the plan of a lowered pass aims at for a block.
struct ConvolutionTargets {
    /// Columns of the lowered image: samples of fewer pixels are taken together.
    std::size_t columns;
    /// Matrix products have at most so many columns.
    std::size_t most_columns;
    /// Feature channels in one matrix product, and its multiplications.
    std::size_t features, products;
};

/// True for a pass that is wide enough in channels to be multiplied without lowering (see GatheredTile).
/// Channels that do not fill vector registers, and sums too short for a result that is written by way of
/// scratch memory, are better lowered.
bool gathers(const ConvolutionGeometry& geometry, ConvolutionPass pass);

ConvolutionPlan plan_convolution(const ConvolutionGeometry& geometry, ConvolutionPass pass);
/// The plan of a lowered pass for other targets: for `tools/tune`, which finds the best.
ConvolutionPlan plan_convolution(const ConvolutionGeometry& geometry, ConvolutionPass pass,
                                 const ConvolutionTargets& targets);

}  // namespace duet
