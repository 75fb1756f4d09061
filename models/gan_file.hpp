#pragma once

#include <filesystem>
#include <map>
#include <string>

#include <duet/data/safetensors.hpp>
#include <duet/models/gan_model.hpp>

namespace duet::models {

/// What a weights file says of its model beside the weights: all that make_gan needs.
std::map<std::string, std::string> metadata_of(const GanModel& model);
/// The shape in a file's metadata. Throws FileError naming `path` if it is absent, makes no sense, or
/// describes networks that the file's arrays cannot fill.
GanShape shape_from_metadata(const Safetensors& file, const std::filesystem::path& path);
/// The shape of the article's kind of pair that the weights themselves show, grey images of `height` x
/// `width`. Throws FileError if they are not of such a pair.
GanShape shape_from_weights(const Safetensors& file, const std::filesystem::path& path, std::size_t height,
                            std::size_t width);

/// Writes both networks' variables, as torch.nn.Sequential names and shapes them, with the metadata.
void save_weights(const GanModel& model, const std::filesystem::path& path);
/// Copies a file's arrays into the model's variables, all or none; PyTorch's num_batches_tracked is left
/// out. Throws FileError naming the array if one is missing, unknown or of another shape.
void load_weights(const GanModel& model, const Safetensors& file, const std::filesystem::path& path);

}  // namespace duet::models
