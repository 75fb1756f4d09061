#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <duet/data/file.hpp>
#include <duet/models/training/trainer.hpp>

#include "run_folder.hpp"

namespace duet::tools {

/// metrics.csv: step, epoch (times the data was shown), seconds of training, images_per_second since the row
/// before, then each metric. Rows are appended, so that the file can be followed; what was written before a
/// training was resumed stays.
class MetricsLog : public models::Observer {
 public:
    /// Goes on after the first `size` bytes of the file, with `pending` rows, from so many `seconds`. Throws
    /// StorageError.
    MetricsLog(const std::filesystem::path& path, std::uint64_t size, std::string pending, double seconds,
               const models::Trainer& trainer, std::size_t images);

    /// Adds a row, in memory.
    void see(const models::Record& record) override;
    /// Sets a row that ends the file unless the training goes on: of a step that no row is due at, or none.
    void set_last_row(std::string row) { last_row_ = std::move(row); }
    std::string row_of(const models::Record& record);
    const std::string& last_row() const { return last_row_; }
    const std::string& pending_rows() const { return pending_; }

    /// Whether there are rows that wait, and it was a second ago that others were written.
    bool flush_is_due() const;
    /// Appends what is in memory. Throws StorageError, and then tries all of it again next time.
    void flush();
    /// The same, and the last row.
    void finish();
    /// Waits until the file is on the disk; may be called beside the others. Throws StorageError.
    void sync() const { file_.sync(); }
    /// Bytes of the file.
    std::uint64_t size() const { return file_.size(); }
    /// Of training, those before it was resumed included.
    double seconds() const;

 private:
    using Clock = std::chrono::steady_clock;

    const models::Trainer& trainer_;
    double images_;
    AppendedFile file_;
    std::string pending_, last_row_;
    double seconds_before_;
    Clock::time_point start_ = Clock::now();
    Clock::time_point flushed_{};
    double row_seconds_;
    std::uint64_t row_images_;
};

/// How many of the first `size` bytes of a metrics.csv are there, in whole rows; warns if they are fewer.
std::uint64_t whole_rows(const std::filesystem::path& path, std::uint64_t size, const Warn& warn);

}  // namespace duet::tools
