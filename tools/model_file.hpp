#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include <duet/data/dataset.hpp>
#include <duet/models/gan_model.hpp>

namespace duet::tools {

/// The model in a weights file, with its weights. The file's metadata says of which shape it is. Without any,
/// `given`, the user's --model, must say of which kind: for mlp the arrays show the shape, and `data`, or
/// null, holds the images it is to draw, which are square without; for the others it is default_shape for the
/// images in `data`. Throws FileError for a file that is damaged or of another model, and Error if something
/// must be given.
models::GanModel load_model(const std::filesystem::path& path, const std::optional<models::ModelKind>& given,
                            const Dataset* data = nullptr);

/// The labels of `count` images in rows of `columns`, a row a class in turn; empty without classes.
std::vector<std::size_t> class_rows(std::size_t count, std::size_t columns, std::size_t classes);

}  // namespace duet::tools
