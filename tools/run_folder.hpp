#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <duet/data/png.hpp>
#include <duet/data/png_text.hpp>
#include <duet/data/spec.hpp>

namespace duet::tools {

/// Sample pictures are grids of 8 columns, with this many black pixels around each image.
inline constexpr std::size_t sample_columns = 8;
inline constexpr std::size_t sample_count = 64;
inline constexpr std::size_t sample_padding = 2;
/// How wide they are, before they are magnified, for images of this width.
constexpr std::size_t plain_width(std::size_t image_width) {
    return sample_columns * (image_width + sample_padding) + sample_padding;
}

/// Takes a line for the user.
using Warn = std::function<void(const std::string&)>;

/// The folder that a training leaves: a mark, recipe.toml, run.json, metrics.csv, checkpoints/,
/// samples/step-000000.png and so on, weights.safetensors, progress.gif. Each file appears whole or not at
/// all. It belongs to one training, and to one process while that lives: a lock on the mark, which dies with
/// its process, keeps others out: but not those that a study starts, which holds it for them (SharedLock).
class RunFolder {
 public:
    /// Makes the folder where it is missing, and takes the lock. Throws Error, and touches nothing, for a
    /// folder that holds something else than a run, or a run that another process is working on; FileError if
    /// something is in the way or not writable.
    explicit RunFolder(const std::filesystem::path& path);
    ~RunFolder();
    RunFolder(RunFolder&& other) noexcept;
    RunFolder& operator=(RunFolder&&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path weights() const { return path_ / "weights.safetensors"; }
    std::filesystem::path recipe() const { return path_ / "recipe.toml"; }
    std::filesystem::path metrics() const { return path_ / "metrics.csv"; }
    std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }

    /// Writes the picture of a step.
    void write_samples(std::uint64_t step, const Image& picture, const std::vector<PngText>& texts) const;
    /// Removes the pictures of the steps that are refused; warns of what cannot be removed.
    void remove_samples(const std::function<bool(std::uint64_t step)>& refused, const Warn& warn) const;
    /// Throws StorageError if its path leads to another folder by now, or to none.
    void check_there() const;
    /// Writes progress.gif, the sample pictures one after the other, with step and run below: at most 60 of
    /// them evenly spread, the first and the last always, the last one held longer, magnified as far as they
    /// stay below 300 pixels. Pictures too large for a GIF leave none; one that cannot be read is left out
    /// with a warning.
    void write_progress(std::size_t image_width, const Warn& warn) const;
    /// Writes curves.png, the losses in metrics.csv over the steps.
    void write_curves() const;

 private:
    std::filesystem::path path_;
    int lock_ = -1;
};

/// Throws Error, as RunFolder does, if the folder holds something else than a run.
void check_run_folder(const std::filesystem::path& path);
/// Throws StorageError if the disk of a folder, which need not be there yet, has less room than a few files
/// of `state_bytes` take; those of a run that is there count as room, as they are replaced.
void check_space(const std::filesystem::path& folder, std::uint64_t state_bytes);
/// The mark of a run, the file that is locked by who works on it.
std::filesystem::path mark_of(const std::filesystem::path& run);
/// Whether a folder has the mark of a run.
bool is_run(const std::filesystem::path& path);
/// Whether a process is working on the run in this folder.
bool is_running(const std::filesystem::path& run);
/// Moves a run aside, to the next free of <path>.old-1, <path>.old-2 and so on, and returns where. Throws as
/// RunFolder if it is no run or is being worked on.
std::filesystem::path move_aside(const std::filesystem::path& run);
/// Makes the next free of <stem>-1, <stem>-2 and so on, also where other processes do the same.
std::filesystem::path make_next_folder(const std::filesystem::path& stem);

/// A sample picture in a run's folder.
struct SamplePicture {
    std::uint64_t step;
    std::filesystem::path path;
};

/// The sample pictures in a run's folder, by step. Throws FileError if there is no such folder.
std::vector<SamplePicture> sample_pictures(const std::filesystem::path& run);

/// The recipe of a run. Throws FileError if it is missing or not one that `duet train` wrote.
Spec recipe_of(const std::filesystem::path& run);

/// The step of a file name that name_of_step gives, or nothing.
std::optional<std::uint64_t> step_in_name(std::string_view name, std::string_view suffix);
/// "step-000200.png".
std::string name_of_step(std::uint64_t step, std::string_view suffix);

}  // namespace duet::tools
