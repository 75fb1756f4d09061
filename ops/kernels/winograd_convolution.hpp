#pragma once

#include <cstddef>

#include <duet/ops/kernels/winograd_plan.hpp>

namespace duet {

/// Elements of scratch memory that a tile needs: fewer if its second operand is given `transformed`
/// (ops/kernels/winograd_operand.hpp) than if it is as it was.
std::size_t winograd_scratch(const ConvolutionGeometry& geometry, const ConvolutionPlan& plan,
                             ConvolutionPass pass, bool transformed);

/// One tile of a pass that is computed by minimal filtering.
///
/// A block's values at points are products of matrices, one for each point. What is summed in which order
/// does not depend on the cut: neither for features and images, of which a block holds whole samples or rows
/// of tiles, nor for a weight, of which a tile takes all samples in their order.
template <class T>
class WinogradTile {
 public:
    WinogradTile(const ConvolutionGeometry& geometry, const ConvolutionPlan& plan, ConvolutionPass pass,
                 std::size_t tile, T* scratch, bool transformed);

    /// Each fills its part of the last argument from the two others.
    void features(const T* image, const T* weight, T* features);
    void image(const T* features, const T* weight, T* image);
    /// A tile has all samples: `partials` are those of the other methods' tiles.
    void weight(const T* image, const T* features, T* partials, T* weight);

 private:
    struct Block {
        Range samples, tile_rows;
        /// True for the first and the last rows of tiles of the samples.
        bool first, last;
        WinogradRows rows;
    };

    template <class Visit>
    void for_each_block(const Visit& visit) const;
    void spread_pixels(const Block& block, const T* image);
    void join_pixels(const Block& block, T* image);
    void evaluate_features(const Block& block, const T* features);
    void collect_features(const Block& block, T* features);
    void collect_taps(T* weight);
    void multiply_points(const WinogradRows& rows, const T* left, std::size_t terms, const T* weight,
                         std::size_t width, T* result);
    const T* transformed(ConvolutionPass pass, const T* weight);

    const ConvolutionGeometry& geometry_;
    const ConvolutionPlan& plan_;
    bool transformed_;
    WinogradAxes axes_;
    /// Of the samples, the image's channels and the features': those that the tile handles.
    Range samples_, channels_, features_;
    /// What products use.
    T* product_;
    /// Values at points: of image pixels, by phase and channel, and of features; sums for a weight.
    T *pixel_points_, *feature_points_, *sums_;
    /// Planes of one sample, all channels of a pixel one behind another; zeros for what is outside, and room
    /// for what is written there; the weight at points, if that was not given.
    T *image_plane_, *feature_plane_, *zeros_, *discarded_, *weight_points_;
};

}  // namespace duet
