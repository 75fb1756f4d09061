#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include <duet/models/training/checkpoint.hpp>

#include "background.hpp"
#include "metrics_log.hpp"
#include "run_folder.hpp"

namespace duet::tools {

/// The newest checkpoint of a run that is whole, or nothing; says of those that are damaged that they are
/// passed over. Throws Error for one of another schema.
std::optional<models::Checkpoint> newest_checkpoint(const std::filesystem::path& folder, const Warn& warn);

/// The steps of the checkpoints in a folder, ascending; none if there is no such folder.
std::vector<std::uint64_t> checkpoint_steps(const std::filesystem::path& folder);
std::filesystem::path checkpoint_path(const std::filesystem::path& folder, std::uint64_t step);

/// Writes checkpoints beside the training. After each, the folder keeps the last two, those whose step is a
/// multiple of `keep_every`, and as best.safetensors the one that was the best; the others that it holds are
/// removed.
class CheckpointWriter {
 public:
    /// Counts the checkpoint of step `last`, if there is one, among the last two. All of them must stay.
    CheckpointWriter(std::filesystem::path folder, std::uint64_t keep_every, const MetricsLog& metrics,
                     std::optional<std::uint64_t> last, Background& background);

    /// Has a checkpoint of the snapshot written, which is held until it is encoded. Not while it is held.
    void start(models::Snapshot& snapshot, models::CheckpointNotes notes, bool best);
    /// Whether the last checkpoint that was started is on the disk; ask when the background is idle.
    bool written() const { return written_; }

 private:
    void write(models::Snapshot& snapshot, const models::CheckpointNotes& notes, bool best);
    void remove_others() const;

    std::filesystem::path folder_;
    std::uint64_t keep_every_;
    const MetricsLog& metrics_;
    std::vector<std::uint64_t> last_;
    std::atomic<bool> written_ = false;
    Background& background_;
};

}  // namespace duet::tools
