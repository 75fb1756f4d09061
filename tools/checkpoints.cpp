#include "checkpoints.hpp"

#include <algorithm>
#include <cassert>
#include <csignal>
#include <exception>
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
                                   std::optional<std::uint64_t> last)
    : folder_(std::move(folder)), keep_every_(keep_every), metrics_(metrics) {
    if (last) last_.push_back(*last);
    // Signals are for the thread that trains.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        thread_ = std::thread([this] { work(); });
    } catch (const std::system_error&) {
        // The system starts no more threads: `start` does the work.
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

CheckpointWriter::~CheckpointWriter() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

bool CheckpointWriter::busy() const {
    const std::lock_guard lock(mutex_);
    return job_.has_value();
}

void CheckpointWriter::start(models::Snapshot& snapshot, models::CheckpointNotes notes, bool best) {
    assert(!busy());
    snapshot.hold();
    {
        const std::lock_guard lock(mutex_);
        job_ = Job{&snapshot, std::move(notes), best};
    }
    changed_.notify_all();
    if (!thread_.joinable()) do_job();
}

void CheckpointWriter::wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !job_; });
}

std::optional<std::string> CheckpointWriter::take_failure() {
    const std::lock_guard lock(mutex_);
    return std::exchange(failure_, std::nullopt);
}

void CheckpointWriter::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return job_ || ending_; });
        if (!job_) return;
        lock.unlock();
        do_job();
        lock.lock();
    }
}

void CheckpointWriter::do_job() {
    std::optional<std::string> failure;
    try {
        write(*job_);
    } catch (const std::exception& error) {
        failure = error.what();
    }
    job_->snapshot->release();
    const std::lock_guard lock(mutex_);
    failure_ = failure;
    job_.reset();
    changed_.notify_all();
}

void CheckpointWriter::write(const Job& job) {
    const std::uint64_t step = job.snapshot->at().step;
    const Bytes contents = encode_checkpoint(*job.snapshot, job.notes);
    job.snapshot->release();
    const std::span<const std::byte> bytes = std::as_bytes(std::span(contents));
    metrics_.sync();
    std::error_code ignored;
    fs::create_directories(folder_, ignored);
    write_file_atomically(checkpoint_path(folder_, step), bytes);
    if (last_.empty() || last_.back() != step) last_.push_back(step);
    if (last_.size() > kept) last_.erase(last_.begin());
    if (job.best) write_file_atomically(folder_ / "best.safetensors", bytes);
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
