#include "checkpoints.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <system_error>

#include <fmt/format.h>

#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>

namespace duet::tools {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view suffix = ".safetensors";
constexpr const char* best_name = "best.safetensors";
constexpr std::size_t kept = 2;

bool is_multiple(std::uint64_t step, std::uint64_t every) {
    return every != 0 && step % every == 0;
}

/// Whether a checkpoint is one to keep by the recipe that it carries; not if it is damaged.
bool is_kept_by_its_recipe(const fs::path& file, std::uint64_t step) {
    try {
        const Spec recipe = written_recipe(models::read_checkpoint(file));
        const Value* every = recipe.find("output.keep_every");
        const auto* number = every == nullptr ? nullptr : std::get_if<std::int64_t>(&every->is);
        return number != nullptr && *number > 0 && is_multiple(step, static_cast<std::uint64_t>(*number));
    } catch (const Error&) {
        return false;
    }
}

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

Spec written_recipe(const models::Checkpoint& checkpoint) {
    return parse_toml(checkpoint.notes.recipe, "the checkpoint's recipe");
}

fs::path weights_in(const fs::path& path) {
    std::error_code error;
    if (!fs::is_directory(path, error)) return path;
    const fs::path weights = path / "weights.safetensors", checkpoints = path / "checkpoints";
    if (const auto steps = checkpoint_steps(checkpoints); !fs::exists(weights, error) && !steps.empty())
        return checkpoint_path(checkpoints, steps.back());
    if (!fs::exists(weights, error))
        throw FileError(
            fmt::format("{}: holds no weights.safetensors: give a weights file or the folder of a "
                        "training that wrote one",
                        path.string()));
    return weights;
}

std::optional<models::Checkpoint> newest_checkpoint(const fs::path& folder, const Warn& warn) {
    const std::vector<std::uint64_t> steps = checkpoint_steps(folder);
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) try {
            return models::read_checkpoint(checkpoint_path(folder, *step));
        } catch (const StorageError&) {
            throw;
        } catch (const FileError& error) {
            if (step + 1 == steps.rend())
                throw Error(fmt::format(
                    "{}; no checkpoint of the run is whole: --restart begins anew and keeps it aside",
                    error.what()));
            warn(fmt::format("{}; the one before it is used", error.what()));
        }
    return std::nullopt;
}

CheckpointWriter::CheckpointWriter(const RunFolder& folder, const Spec& recipe, const MetricsLog& metrics,
                                   const std::optional<models::Checkpoint>& from, Background& background)
    : folder_(folder),
      keep_every_(recipe.whole("output.keep_every")),
      metrics_(metrics),
      background_(background) {
    if (!from) return;
    last_.push_back(models::position_in(from->state.metadata).step);
    went_on_from_ = last_.back();
    const Value* metric = recipe.find("output.best");
    if (metric == nullptr) return;
    try {
        const models::Checkpoint best = models::read_checkpoint(folder_.checkpoints() / best_name);
        const Spec its = written_recipe(best);
        if (const Value* decided = its.find("output.best"); decided != nullptr && *decided == *metric)
            best_ = best.notes.best;
    } catch (const Error&) {
        best_.reset();  // there is none
    }
}

void CheckpointWriter::start(models::Snapshot& snapshot, models::CheckpointNotes notes) {
    assert(!snapshot.held());
    written_ = false;
    snapshot.hold();
    try {
        background_.add("no checkpoint is written", [this, &snapshot, notes = std::move(notes)] {
            try {
                write(snapshot, notes);
            } catch (...) {
                snapshot.release();
                throw;
            }
            snapshot.release();
        });
    } catch (...) {
        snapshot.release();
        throw;
    }
}

void CheckpointWriter::write(const models::Snapshot& snapshot, const models::CheckpointNotes& notes) {
    const std::uint64_t step = snapshot.at().step;
    folder_.check_there();
    metrics_.sync();
    write_checkpoint(checkpoint_path(folder_.checkpoints(), step), snapshot, notes);
    written_ = true;
    if (last_.empty() || last_.back() != step) last_.push_back(step);
    if (last_.size() > kept) last_.erase(last_.begin());
    remove_others();
    if (!notes.best || !std::isfinite(*notes.best) || (best_ && *best_ <= *notes.best)) return;
    write_checkpoint(folder_.checkpoints() / best_name, snapshot, notes);
    best_ = notes.best;
}

void CheckpointWriter::remove_others() {
    for (const std::uint64_t step : checkpoint_steps(folder_.checkpoints())) {
        if (step >= last_.front() || is_multiple(step, keep_every_) || kept_before_.contains(step)) continue;
        const fs::path file = checkpoint_path(folder_.checkpoints(), step);
        std::error_code ignored;
        if (step <= went_on_from_ && is_kept_by_its_recipe(file, step))
            kept_before_.insert(step);
        else
            fs::remove(file, ignored);
    }
}

}  // namespace duet::tools
