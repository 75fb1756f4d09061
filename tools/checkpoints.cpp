#include "checkpoints.hpp"

#include <algorithm>
#include <cassert>
#include <system_error>

#include <fmt/format.h>

#include <duet/graph/error.hpp>

namespace duet::tools {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view suffix = ".safetensors";
constexpr std::size_t kept = 2;

}  // namespace

fs::path checkpoint_path(const fs::path& folder, std::uint64_t step) {
    return folder / name_of_step(step, suffix);
}

std::vector<std::uint64_t> checkpoint_steps(const fs::path& folder) {
    std::vector<std::uint64_t> steps;
    std::error_code error;
    for (fs::directory_iterator entries(folder, error), end; !error && entries != end;
         entries.increment(error))
        if (const auto step = step_in_name(entries->path().filename().string(), suffix))
            steps.push_back(*step);
    std::sort(steps.begin(), steps.end());
    return steps;
}

std::optional<models::Checkpoint> newest_checkpoint(const fs::path& folder, const Warn& warn) {
    const std::vector<std::uint64_t> steps = checkpoint_steps(folder);
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) try {
            return models::read_checkpoint(checkpoint_path(folder, *step));
        } catch (const FileError& error) {
            warn(fmt::format("{}; the one before it is used", error.what()));
        }
    return std::nullopt;
}

CheckpointWriter::CheckpointWriter(fs::path folder, std::uint64_t keep_every, const MetricsLog& metrics,
                                   std::optional<std::uint64_t> last, Background& background)
    : folder_(std::move(folder)), keep_every_(keep_every), metrics_(metrics), background_(background) {
    if (last) last_.push_back(*last);
}

void CheckpointWriter::start(models::Snapshot& snapshot, models::CheckpointNotes notes, bool best) {
    assert(!snapshot.held());
    snapshot.hold();
    written_ = false;
    background_.add("no checkpoint is written", [this, &snapshot, notes = std::move(notes), best] {
        try {
            write(snapshot, notes, best);
        } catch (...) {
            snapshot.release();
            throw;
        }
    });
}

void CheckpointWriter::write(models::Snapshot& snapshot, const models::CheckpointNotes& notes, bool best) {
    const std::uint64_t step = snapshot.at().step;
    const Bytes contents = encode_checkpoint(snapshot, notes);
    snapshot.release();
    const std::span<const std::byte> bytes = std::as_bytes(std::span(contents));
    metrics_.sync();
    std::error_code ignored;
    fs::create_directories(folder_, ignored);
    write_file_atomically(checkpoint_path(folder_, step), bytes);
    written_ = true;
    if (last_.empty() || last_.back() != step) last_.push_back(step);
    if (last_.size() > kept) last_.erase(last_.begin());
    if (best) write_file_atomically(folder_ / "best.safetensors", bytes);
    remove_others();
}

void CheckpointWriter::remove_others() const {
    for (const std::uint64_t step : checkpoint_steps(folder_)) {
        const bool stays = std::find(last_.begin(), last_.end(), step) != last_.end() ||
                           (keep_every_ != 0 && step % keep_every_ == 0 && step <= last_.back());
        std::error_code ignored;
        if (!stays) fs::remove(checkpoint_path(folder_, step), ignored);
    }
}

}  // namespace duet::tools
