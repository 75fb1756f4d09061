#pragma once

#include <filesystem>
#include <optional>

#include <duet/data/safetensors.hpp>
#include <duet/data/spec.hpp>
#include <duet/models/catalogue.hpp>
#include <duet/models/model.hpp>
#include <duet/models/training/state.hpp>

namespace duet::models {

/// What a weights file says of its model beside the weights: the layer of a recipe that its networks are
/// built from and were trained with (see model_layer), also of files that Duet 0.1 wrote; nothing if the file
/// says nothing. Throws FileError naming `path` if it makes no sense.
std::optional<Spec> layer_in(const Safetensors& file, const std::filesystem::path& path);
/// The layer of the article's kind of pair that the weights themselves show, for images of `height` x `width`
/// of one channel. Throws FileError if they are not of such a pair.
Spec layer_from_arrays(const Safetensors& file, const std::filesystem::path& path, std::size_t height,
                       std::size_t width);

/// The model that a file's layer describes, with the file's weights. Throws FileError as load_weights, and
/// for a layer that makes no sense or describes other networks, before memory is taken for them.
Model model_in(const Catalogue& catalogue, const Spec& layer, const Safetensors& file,
               const std::filesystem::path& path);

/// The networks' variables, as torch.nn.Sequential names and shapes them, with their layer, and where the
/// training stood that made them, as the bytes of a safetensors file.
Bytes encode_weights(const Model& model, const Spec& layer, const Position& at);
/// Writes them with write_file_atomically.
void save_weights(const Model& model, const Spec& layer, const Position& at,
                  const std::filesystem::path& path);
/// Where it stood; nothing if the file does not say. Throws FileError naming `path` if it makes no sense.
std::optional<Position> position_in(const Safetensors& file, const std::filesystem::path& path);
/// Copies a file's arrays into the model's variables, all or none; PyTorch's num_batches_tracked is left
/// out, and of a checkpoint what is not a network's. Averages and vectors of
/// spectral normalisation that the file does not have start from its weights; averages that the model does
/// not have are left out. Throws FileError naming the array if one is missing, unknown or of another shape.
void load_weights(const Model& model, const Safetensors& file, const std::filesystem::path& path);

}  // namespace duet::models
