#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <duet/data/batches.hpp>
#include <duet/graph/shape.hpp>
#include <duet/graph/where.hpp>

namespace duet::models {

/// The kinds of GAN.
enum class ModelKind {
    mlp,     ///< two multilayer perceptrons, the article's
    dcgan,   ///< strided convolutions, Radford et al. 2015
    resnet,  ///< residual networks, Miyato et al. 2018
    cgan,    ///< dcgan conditioned on labels, Miyato and Koyama 2018
};

/// Throws Error, listing the names known, for another one than "mlp", "dcgan", "resnet" or "cgan".
ModelKind model_kind_by_name(std::string_view name);
std::string_view name_of(ModelKind kind);

/// The kind and sizes of a GAN and of the images it draws: all that its networks are built from.
struct GanShape {
    /// mlp: the widths from latent to image. dcgan, cgan: the latent, then the channels of the maps that each
    /// transposed convolution doubles the sides of. resnet: the latent, the channels of the first map, then
    /// those after each of the blocks, which double the sides.
    std::vector<std::size_t> generator_widths = {100, 128, 128, 784};
    /// mlp: the widths from image to score. dcgan, cgan: the channels after each convolution, which halve
    /// the sides. resnet: the channels after each block, the first two of which halve the sides.
    std::vector<std::size_t> discriminator_widths = {784, 128, 128, 1};
    std::size_t height = 28;
    std::size_t width = 28;
    std::size_t channels = 1;
    ModelKind kind = ModelKind::mlp;
    /// Classes that condition both networks; 0 for none. Always for cgan, never for mlp and dcgan.
    std::size_t classes = 0;
    /// False leaves batch normalisation out of dcgan's and cgan's discriminator: a critic under a gradient
    /// penalty must score each image by itself (Gulrajani et al. 2017, section 4).
    bool discriminator_batch_norm = true;

    std::size_t latent() const { return generator_widths.front(); }
    /// Values an image.
    std::size_t image() const { return height * width * channels; }
    /// What images are made of: mlp ends in a sigmoid, the others in tanh.
    ValueRange range() const { return kind == ModelKind::mlp ? ValueRange::unit : ValueRange::symmetric; }
    /// The shape of a batch of images: (batch, values) for mlp, else (batch, channels, height, width).
    Shape images(std::size_t batch) const;
    friend bool operator==(const GanShape&, const GanShape&) = default;
};

/// The widths of the kind's paper for images of this size. mlp: the article's 100-128-128-pixels. dcgan and
/// cgan: 64 channels at half the image's sides, twice as many for each halving, down to sides of 4 to 7, and
/// a latent of 100: at 28x28 128-64, at 64x64 512-256-128-64. resnet: Miyato et al. 2018, table 3: a latent
/// of 128, 256 channels in the generator from 4x4 on, four blocks of 128 in the discriminator. Throws Error
/// where the strides do not fit the image: see check_shape.
GanShape default_shape(ModelKind kind, std::size_t height, std::size_t width, std::size_t channels,
                       std::size_t classes = 0);

/// Throws Error, saying which, if the sizes do not fit each other and the images, or make no sense. Sides
/// must be divisible by 2 for each map of dcgan and cgan, and be 4 times 2 for each block of resnet. Images
/// have one channel or three.
void check_shape(const GanShape& shape);
/// The same, naming the line as well.
void check_shape(const GanShape& shape, Where where);

/// At least how many weights both networks have, as a double: known before any memory is taken for them. It
/// leaves out biases, and of resnet's blocks the second convolution.
double weight_count(const GanShape& shape);

}  // namespace duet::models
