#include "metrics_log.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace duet::tools {

MetricsLog::MetricsLog(const std::filesystem::path& path, std::uint64_t size, std::string pending,
                       double seconds, const models::Trainer& trainer, std::size_t images)
    : trainer_(trainer),
      images_(static_cast<double>(images)),
      file_(path, size),
      pending_(std::move(pending)),
      seconds_before_(seconds),
      row_seconds_(seconds),
      row_images_(trainer.images_shown()) {}

std::uint64_t whole_rows(const std::filesystem::path& path, std::uint64_t size, const Warn& warn) {
    std::error_code error;
    if (size == 0) return 0;
    const Bytes contents = std::filesystem::exists(path, error) ? read_file(path) : Bytes();
    std::size_t whole = std::min<std::size_t>(size, contents.size());
    while (whole > 0 && contents[whole - 1] != '\n') --whole;
    if (whole != size)
        warn(fmt::format("{} was changed since the checkpoint: its first {} bytes are kept, in whole rows",
                         path.string(), whole));
    return whole;
}

double MetricsLog::seconds() const {
    return seconds_before_ + std::chrono::duration<double>(Clock::now() - start_).count();
}

std::string MetricsLog::row_of(const models::Record& record) {
    const std::uint64_t shown = trainer_.images_shown();
    const double now = seconds(), epoch = static_cast<double>(shown) / images_,
                 rate =
                     now > row_seconds_ ? static_cast<double>(shown - row_images_) / (now - row_seconds_) : 0;
    row_seconds_ = now;
    row_images_ = shown;
    std::string row;
    if (file_.size() == 0 && pending_.empty())
        row = fmt::format("step,epoch,seconds,images_per_second,{}\n", fmt::join(record.names, ","));
    return row + fmt::format("{},{:.6g},{:.3f},{:.0f},{:.9g}\n", record.step, epoch, now, rate,
                             fmt::join(record.values, ","));
}

void MetricsLog::see(const models::Record& record) {
    pending_ += row_of(record);
}

bool MetricsLog::flush_is_due() const {
    return !pending_.empty() && Clock::now() - flushed_ >= std::chrono::seconds(1);
}

void MetricsLog::flush() {
    flushed_ = Clock::now();
    file_.append(pending_);
    pending_.clear();
}

void MetricsLog::finish() {
    flush();
    file_.append(last_row_);
    last_row_.clear();
}

}  // namespace duet::tools
