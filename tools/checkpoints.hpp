#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <vector>

#include <duet/models/training/checkpoint.hpp>

#include "background.hpp"
#include "metrics_log.hpp"
#include "run_folder.hpp"

namespace duet::tools {

/// The newest checkpoint of a run that is whole, or nothing if there is none at all; says of those that are
/// damaged that they are passed over. Throws Error for one of another schema, and if none is whole;
/// StorageError if reading fails.
std::optional<models::Checkpoint> newest_checkpoint(const std::filesystem::path& folder, const Warn& warn);

/// The steps of the checkpoints in a folder, ascending; none if there is no such folder.
std::vector<std::uint64_t> checkpoint_steps(const std::filesystem::path& folder);
std::filesystem::path checkpoint_path(const std::filesystem::path& folder, std::uint64_t step);

/// The recipe that a checkpoint carries, as it was written. Throws FileError if it is none.
Spec written_recipe(const models::Checkpoint& checkpoint);

/// The weights in a run's folder, those of its last checkpoint if it never ended, or the file itself. Throws
/// FileError for a folder that holds neither.
std::filesystem::path weights_in(const std::filesystem::path& path);

/// Writes checkpoints beside the training. After each, the folder keeps the last two, those whose step is a
/// multiple of the recipe's output.keep_every, or was of that of the recipe that they were written with, and
/// as best.safetensors the one whose metric, output.best, was the lowest; others of earlier steps are
/// removed.
class CheckpointWriter {
 public:
    /// Goes on from the checkpoint `from`, if there is one. All of them must stay, but for that.
    CheckpointWriter(const RunFolder& folder, const Spec& recipe, const MetricsLog& metrics,
                     const std::optional<models::Checkpoint>& from, Background& background);

    /// Has a checkpoint of the snapshot written, which is held until it is on the disk. Not while it is
    /// held.
    void start(models::Snapshot& snapshot, models::CheckpointNotes notes);
    /// Whether the last checkpoint that was started is on the disk; ask when the background is idle.
    bool written() const { return written_; }

 private:
    void write(const models::Snapshot& snapshot, const models::CheckpointNotes& notes);
    void remove_others();

    const RunFolder& folder_;
    std::uint64_t keep_every_;
    const MetricsLog& metrics_;
    std::vector<std::uint64_t> last_;
    std::uint64_t went_on_from_ = 0;
    std::set<std::uint64_t> kept_before_;
    std::optional<double> best_;
    std::atomic<bool> written_ = false;
    Background& background_;
};

}  // namespace duet::tools
