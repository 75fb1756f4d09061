#pragma once

#include <filesystem>

#include <duet/data/dataset.hpp>

namespace duet {

/// Loads a folder of images of any kind that Duet knows, told by the names in it, in this order: IDX files
/// (load_idx_folder), CIFAR-10's binary version (load_cifar10_folder), PNG files or a folder of them for each
/// class (load_image_folder; all are there to train on, so none for Split::test). Throws FileError as these
/// do, and if the folder holds none of them.
Dataset load_images(const std::filesystem::path& folder, Split split);

/// Whether a folder has images that are held back, for Split::test.
bool holds_test_images(const std::filesystem::path& folder);

}  // namespace duet
