#pragma once

#include <array>
#include <cstddef>

#include <duet/graph/pieces.hpp>

namespace duet {

/// A two-dimensional convolution, its gradient with regard to the image, and that with regard to the weight
/// are sums over one set of pairs, (image pixel, feature pixel), and this names it. Both sides are (batch,
/// groups * channels, height, width), the weight is (groups * feature_channels, image_channels, kernel); a
/// convolution reads the image and writes the features, a transposed one reads features and writes an image.
/// Feature pixel y meets image pixel y * stride + tap * dilation - padding along each axis.
struct ConvolutionGeometry {
    std::size_t batch, groups;
    /// Channels a group.
    std::size_t image_channels, feature_channels;
    std::array<std::size_t, 2> image, kernel, features;
    std::array<std::size_t, 2> stride, padding, dilation;

    std::size_t taps() const { return kernel[0] * kernel[1]; }
    /// The classes of image pixels that lie a stride apart.
    std::size_t phases() const { return stride[0] * stride[1]; }
    std::size_t image_pixels() const { return image[0] * image[1]; }
    std::size_t feature_pixels() const { return features[0] * features[1]; }
    /// The rows of the lowered image of a group: what one feature is a sum of.
    std::size_t terms() const { return image_channels * taps(); }
    std::size_t weight_elements() const { return groups * feature_channels * terms(); }
    /// Where a plane of the image, or of the features, begins; the channel is one of its group's.
    std::size_t image_at(std::size_t sample, std::size_t group, std::size_t channel) const {
        return ((sample * groups + group) * image_channels + channel) * image_pixels();
    }
    std::size_t features_at(std::size_t sample, std::size_t group, std::size_t channel) const {
        return ((sample * groups + group) * feature_channels + channel) * feature_pixels();
    }
    double flops() const;
    /// True if the lowered image of a group has fewer rows than the features have channels.
    bool few_terms() const { return terms() < feature_channels; }
    /// True if the lowered image is the image: one tap that steps nowhere.
    bool pointwise() const;
};

/// Which of the three is computed.
enum class ConvolutionPass { features, image, weight };

/// How a pass is computed: by products with a lowered image, by products with patches gathered where they are
/// (GatheredTile), or by minimal filtering (WinogradTile).
enum class ConvolutionMethod { lowered, gathered, winograd };

/// How a pass is cut: into tiles, each some samples and a slice of the channels it writes (of the groups, if
/// there are several), and each tile into blocks, each one matrix product whose lowered image fits the second
/// level of cache. A function of the geometry.
struct ConvolutionPlan {
    ConvolutionMethod method;
    /// tiles = sample_parts * slices.
    std::size_t sample_parts, slices;
    /// A block is several whole samples, or some rows of the features of one: of minimal filtering's tiles.
    std::size_t samples, rows;
    /// Image channels of a block, and the feature channels that one product takes of it.
    std::size_t channels, features;
    /// Columns that one product takes of a block.
    std::size_t columns;
    /// Scratch elements of a tile, of either element type: in front, what its products use.
    std::size_t product_elements;
    /// Scratch elements of a lowered tile: room in front, the lowered block, its features, and one channel's
    /// phases (see Lowering).
    std::size_t columns_stride, front_elements, lowered_elements, feature_elements, phase_elements;
    /// Scratch elements of a gathered tile: the planes that are read, zeros around; the block's result; the
    /// operand that panels are taken from.
    std::size_t window_elements, result_elements, operand_elements;

    std::size_t tiles() const { return sample_parts * slices; }
    /// Elements that a tile uses while it runs; of minimal filtering's see `winograd_scratch`.
    std::size_t scratch() const {
        return product_elements + front_elements + lowered_elements + feature_elements + phase_elements +
               window_elements + result_elements + operand_elements;
    }
    /// Elements of workspace: the partial sums of a weight gradient.
    std::size_t workspace(const ConvolutionGeometry& geometry, ConvolutionPass pass) const;
};

/// The samples, and the groups or the channels within the one group, of a tile's part of the result.
struct TilePart {
    Range samples, groups, channels;
};
TilePart tile_part(const ConvolutionGeometry& geometry, const ConvolutionPlan& plan, ConvolutionPass pass,
                   std::size_t tile);

}  // namespace duet
