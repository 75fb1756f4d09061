#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <duet/data/dataset.hpp>

#include "run_folder.hpp"

namespace duet::tools {

/// How many images are drawn from a generator that is judged, and from which seed.
struct DrawOptions {
    std::size_t count = 10'000;
    std::uint64_t seed = 0;
    std::size_t threads = 1;
    bool raw = false;  ///< with the weights as trained, where there is an average of them
};

/// Images that are judged.
struct Subject {
    std::string name;  ///< the last part of the path
    std::string what;  ///< what it is, in words
    Dataset images;    ///< with the classes that were asked for as labels, of conditional models
};

/// What a path holds: the folder of a training, or a weights file, from whose generator images are drawn; a
/// .npy or .npz file with an array of images; a folder of images of any kind that Duet reads. Images have the
/// size of `like`. Warns of values that have another range than 0 to 1. Throws FileError and Error for what
/// cannot be read, or holds images of another size.
Subject read_subject(const std::filesystem::path& path, const Dataset& like, const DrawOptions& options,
                     const Warn& warn);

/// The data that a training was trained on whose folder, or weights or checkpoint in it, this is; nothing for
/// anything else.
std::optional<std::filesystem::path> data_of(const std::filesystem::path& path);
/// Whether this is a training's best checkpoint, chosen by what was measured on the way.
bool was_chosen(const std::filesystem::path& path);

}  // namespace duet::tools
