#pragma once

#include <filesystem>

#include <duet/data/dataset.hpp>
#include <duet/models/gan_model.hpp>

namespace duet::tools {

/// The model in a weights file, with its weights. The file's metadata says of which shape it is; without any,
/// the arrays do, and `model_given` (the user's --model) must say that they are of that kind, else an Error
/// is thrown. `data`, or null, holds the images that a model without metadata is to draw; without them they
/// are square. Throws FileError for a file that is damaged or of another model.
models::GanModel load_model(const std::filesystem::path& path, bool model_given,
                            const Dataset* data = nullptr);

}  // namespace duet::tools
