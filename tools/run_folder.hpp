#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <duet/data/png.hpp>
#include <duet/data/spec.hpp>
#include <duet/graph/array.hpp>
#include <duet/models/image_format.hpp>
#include <duet/models/training/record.hpp>

namespace duet::tools {

/// Sample pictures are grids of 8 columns, with this many black pixels around each image.
inline constexpr std::size_t sample_columns = 8;
inline constexpr std::size_t sample_count = 64;
inline constexpr std::size_t sample_padding = 2;

/// The folder that a training leaves: recipe.toml, metrics.csv, samples/step-000000.png and so on,
/// weights.safetensors, progress.gif. Each file appears whole or not at all.
class RunFolder : public models::Observer {
 public:
    /// Makes the folder where it is missing, writes its recipe.toml, and removes the sample pictures of an
    /// earlier run; its other files stay until they are replaced. Throws FileError if something is in the way
    /// or not writable.
    RunFolder(std::filesystem::path path, const std::string& recipe);

    /// Keeps a row of metrics.csv.
    void see(const models::Record& record) override;
    /// Writes metrics.csv; with `unless_recent`, not more often than once a second.
    void write_metrics(bool unless_recent = false);
    /// Writes the picture of a step: images as Sampler draws them.
    void write_samples(std::uint64_t step, const Array& images, const models::ImageFormat& format) const;
    /// Writes progress.gif, the sample pictures one after the other: at most 60 of them evenly spread, the
    /// first and the last always, the last one held longer. Pictures too large for a GIF leave none.
    void write_progress() const;

    std::filesystem::path weights_path() const { return path_ / "weights.safetensors"; }

 private:
    std::filesystem::path path_;
    std::string metrics_;
    std::chrono::steady_clock::time_point metrics_written_{};
};

/// A sample picture in a run's folder.
struct SamplePicture {
    std::uint64_t step;
    std::filesystem::path path;
};

/// The sample pictures in a run's folder, by step. Throws FileError if there is no such folder.
std::vector<SamplePicture> sample_pictures(const std::filesystem::path& run);

/// The recipe of a run. Throws FileError if it is missing or not one that `duet train` wrote.
Spec recipe_of(const std::filesystem::path& run);

}  // namespace duet::tools
