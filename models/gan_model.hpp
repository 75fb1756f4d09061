#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <duet/data/batches.hpp>
#include <duet/data/safetensors.hpp>
#include <duet/models/network.hpp>

namespace duet::models {

/// The sizes of a GAN of two multilayer perceptrons and the images it draws.
struct GanShape {
    /// From latent to image: the article's generator.
    std::vector<std::size_t> generator_widths = {100, 128, 128, 784};
    /// From image to logit: the article's discriminator.
    std::vector<std::size_t> discriminator_widths = {784, 128, 128, 1};
    std::size_t height = 28;
    std::size_t width = 28;

    std::size_t latent() const { return generator_widths.front(); }
    std::size_t image() const { return generator_widths.back(); }
    friend bool operator==(const GanShape&, const GanShape&) = default;
};

/// A generator and a discriminator that belong together. The generator ends in a sigmoid, so images are in
/// [0, 1]; the discriminator's last layer is linear: its scores are logits.
struct GanModel {
    GanShape shape;
    Network generator;
    Network discriminator;
};

/// The article's pair, ReLU between layers, of any widths. Throws Error if the widths do not fit each other
/// and the image (the message says which), or the discriminator does not end in one score.
GanModel mlp_gan(const GanShape& shape, std::uint64_t seed);

/// What a weights file says of its model beside the weights.
std::map<std::string, std::string> metadata_of(const GanModel& model);
/// The shape in a file's metadata. Throws FileError naming `path` if it is absent or makes no sense.
GanShape shape_from_metadata(const Safetensors& file, const std::filesystem::path& path);
/// The shape of the article's kind of pair that the weights themselves show, images of `height` x `width`.
/// Throws FileError if they are not of such a pair.
GanShape shape_from_weights(const Safetensors& file, const std::filesystem::path& path, std::size_t height,
                            std::size_t width);

/// Writes both networks' variables, as torch.nn.Sequential names and shapes them, with the metadata.
void save_weights(const GanModel& model, const std::filesystem::path& path);
/// Copies a file's arrays into the model's variables, all or none. Throws FileError naming the array if one
/// is missing, unknown or of another shape.
void load_weights(const GanModel& model, const Safetensors& file, const std::filesystem::path& path);

}  // namespace duet::models
