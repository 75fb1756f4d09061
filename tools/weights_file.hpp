#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <duet/data/safetensors.hpp>
#include <duet/models/model.hpp>
#include <duet/models/training/recipe.hpp>

namespace duet::tools {

/// A weights file and the layer of a recipe that says what is in it.
struct WeightsFile {
    std::filesystem::path path;
    Safetensors contents;
    Spec layer;
    std::string sha256;  ///< of the file
};

/// The arrays and metadata of a file: a .npz archive by its name, else safetensors. Throws FileError.
Safetensors read_arrays(const std::filesystem::path& path);

/// Reads a weights file. Where it does not say what model it holds, `model`, the user's --model, must: of
/// perceptrons the arrays show the widths, and `data`, or null, holds the images that it draws, which are
/// square without; the networks of other models are those that fit the images in `data`. Throws FileError for
/// a file that is damaged or of another model, and Error if something must be given.
WeightsFile read_weights(const std::filesystem::path& path, const std::optional<std::string>& model,
                         const Dataset* data = nullptr);

/// The model in a file, which draws with the average of its generator's weights where there is one. `raw`
/// leaves that out, and throws Error where there is none. Throws FileError as model_in.
models::Model drawing_model(const WeightsFile& file, bool raw);

/// The labels of `count` images in rows of `columns`, a row a class in turn; empty without classes.
std::vector<std::size_t> class_rows(std::size_t count, std::size_t columns, std::size_t classes);

}  // namespace duet::tools
