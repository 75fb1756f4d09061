#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <duet/data/file.hpp>

namespace duet {

/// Images of one size in memory, a byte a value, with or without labels.
struct Dataset {
    /// The most classes there can be: a label is a byte.
    static constexpr std::size_t max_classes = 256;

    std::size_t count = 0;     ///< images, at least one once loaded
    std::size_t height = 0;    ///< pixels
    std::size_t width = 0;     ///< pixels
    std::size_t channels = 1;  ///< values a pixel: 1 grey, 3 red-green-blue
    Bytes images;              ///< (count, height, width, channels), row-major, 0 black to 255 white
    Bytes labels;              ///< (count), each below classes(), or empty if there are none
    std::vector<std::string> class_names;  ///< the name of class 0, 1, ..., or empty if they are not known

    /// Values an image: height * width * channels.
    std::size_t image_size() const { return height * width * channels; }
    bool has_labels() const { return !labels.empty(); }
    /// Number of classes: that of the names where they are known, else the highest label and one more; 0
    /// without labels. It looks through the labels.
    std::size_t classes() const;
};

/// Which part of a folder to load: the images to train on, or those held back.
enum class Split { train, test };

/// Loads a folder laid out as MNIST is distributed: `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`,
/// or `t10k-...` for Split::test, each plain or with `.gz` (the plain one if both are there). Labels may be
/// missing. Throws FileError if the folder is missing or has no such images (the message says which names
/// were looked for), if a file is not what its name says, if there are no images, or if there are not as many
/// labels.
Dataset load_idx_folder(const std::filesystem::path& folder, Split split);

}  // namespace duet
