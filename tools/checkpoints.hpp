#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <duet/models/training/checkpoint.hpp>

#include "metrics_log.hpp"
#include "run_folder.hpp"

namespace duet::tools {

/// The newest checkpoint of a run that is whole, or nothing; says of those that are damaged that they are
/// passed over. Throws Error for one of another schema.
std::optional<models::Checkpoint> newest_checkpoint(const std::filesystem::path& folder, const Warn& warn);

/// The steps of the checkpoints in a folder, ascending; none if there is no such folder.
std::vector<std::uint64_t> checkpoint_steps(const std::filesystem::path& folder);
std::filesystem::path checkpoint_path(const std::filesystem::path& folder, std::uint64_t step);

/// Writes checkpoints on a thread of its own, beside the training, where the system starts one. After each,
/// the folder keeps the last two, those whose step is a multiple of `keep_every`, and as best.safetensors the
/// one that was the best; the others that it holds are removed.
class CheckpointWriter {
 public:
    /// Counts the checkpoint of step `last`, if there is one, among the last two.
    CheckpointWriter(std::filesystem::path folder, std::uint64_t keep_every, const MetricsLog& metrics,
                     std::optional<std::uint64_t> last);
    /// Waits for the checkpoint at hand.
    ~CheckpointWriter();
    CheckpointWriter(const CheckpointWriter&) = delete;
    CheckpointWriter& operator=(const CheckpointWriter&) = delete;

    bool busy() const;
    /// Writes a checkpoint of the snapshot, which is held until it is encoded. Not while busy.
    void start(models::Snapshot& snapshot, models::CheckpointNotes notes, bool best);
    /// Waits for the checkpoint at hand.
    void wait();
    /// What the last checkpoint failed of, once, or nothing.
    std::optional<std::string> take_failure();

 private:
    struct Job {
        models::Snapshot* snapshot;
        models::CheckpointNotes notes;
        bool best;
    };
    void work();
    void do_job();
    void write(const Job& job);
    void remove_others() const;

    std::filesystem::path folder_;
    std::uint64_t keep_every_;
    const MetricsLog& metrics_;
    std::vector<std::uint64_t> last_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<Job> job_;
    std::optional<std::string> failure_;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace duet::tools
