#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <duet/data/event_file.hpp>
#include <duet/models/training/record.hpp>

namespace duet::models {

/// Keeps a training for TensorBoard: `tensorboard --logdir FOLDER` shows its metrics as curves and its sample
/// pictures beside each other. Nothing reaches the disk before `flush`.
class EventLog : public Observer {
 public:
    /// Starts a file of its own in the folder, which is made where it is missing. A training that goes on
    /// from the state of a step gives it as `resumed_at`: TensorBoard shows what earlier files there have up
    /// to that step, and nothing later of theirs; without it, nothing of theirs. Throws FileError.
    explicit EventLog(const std::filesystem::path& folder, std::optional<std::uint64_t> resumed_at = {});

    /// Adds what the record measured at its step, each under its name.
    void see(const Record& record) override;
    /// Adds a picture of that step under a name.
    void add_picture(std::uint64_t step, const Image& picture, const std::string& name = "samples");
    /// Writes what was added. Throws FileError if that fails; the next flush tries again, with nothing lost.
    void flush();

    const std::filesystem::path& path() const { return file_.path(); }

 private:
    EventFile file_;
};

}  // namespace duet::models
