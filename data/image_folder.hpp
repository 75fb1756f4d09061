#pragma once

#include <cstdint>
#include <filesystem>

#include <duet/data/dataset.hpp>

namespace duet {

/// The most bytes that the pixels of a folder of PNG files may take: 16 GiB.
inline constexpr std::uint64_t max_image_folder_bytes = std::uint64_t{1} << 34;

/// Loads a folder of PNG files (8-bit, grey or RGB, all of one size and kind), without labels; or a folder of
/// such folders, one a class, whose names in bytewise order are the classes. Images stand in the order of
/// their names. Names that start with a dot are passed over, links are followed. Throws FileError, naming the
/// file, if there is no image, anything but PNG files lies beside the images, folders are nested deeper, a
/// file is damaged or of another size than the first, there are more than Dataset::max_classes classes or
/// 2^32 images, or they take more than max_image_folder_bytes.
Dataset load_image_folder(const std::filesystem::path& folder);

/// Whether the folder, or a folder in it, holds a file named as a PNG file.
bool holds_png_files(const std::filesystem::path& folder);

}  // namespace duet
