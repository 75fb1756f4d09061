#include "progress.hpp"

#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/format.h>

namespace duet::tools {

namespace {

constexpr auto time_between_drawings = std::chrono::milliseconds(100);
constexpr auto first_time_between_lines = std::chrono::seconds(1);
constexpr auto longest_time_between_lines = std::chrono::minutes(10);
constexpr std::string_view clear_line = "\r\x1b[K";

std::size_t terminal_width(int descriptor) {
    winsize size{};
    constexpr std::size_t usual = 80;
    if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return usual;
    return size.ws_col;
}

/// "2026-11-25T22:30:52"
std::string local_time() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    std::array<char, 32> text{};
    if (localtime_r(&now, &parts) == nullptr) return "-";
    return {text.data(), std::strftime(text.data(), text.size(), "%FT%T", &parts)};
}

}  // namespace

Progress::Progress(std::uint64_t steps, std::uint64_t images_per_step, std::uint64_t first_step,
                   Verbosity verbosity, int descriptor)
    : steps_(steps),
      images_per_step_(images_per_step),
      verbosity_(verbosity),
      descriptor_(descriptor),
      terminal_(isatty(descriptor) != 0),
      step_(first_step),
      next_(Clock::now()),
      between_lines_(first_time_between_lines) {
    speed_.add(next_, first_step);
}

Progress::~Progress() {
    finish();
}

void Progress::see(const models::Record& record) {
    const Clock::time_point now = Clock::now();
    speed_.add(now, record.step);
    if (verbosity_ == Verbosity::quiet) return;
    keep(record);
    shown_ = false;
    if (now < next_ && record.step != steps_) return;
    if (terminal_ || verbosity_ == Verbosity::normal) show(now);
}

/// The losses of a record, whose values the next step replaces.
void Progress::keep(const models::Record& record) {
    step_ = record.step;
    if (losses_.empty())
        for (std::size_t i = 0; i < record.names.size(); ++i)
            if (record.names[i].ends_with("_loss")) {
                loss_at_.push_back(i);
                losses_.push_back({record.names[i], 0});
            }
    for (std::size_t i = 0; i < losses_.size(); ++i) losses_[i].value = record.values[loss_at_[i]];
}

void Progress::log(const models::Record& record) {
    if (verbosity_ != Verbosity::verbose) return;
    std::string line = fmt::format("{} step {}/{}", local_time(), record.step, steps_);
    for (std::size_t i = 0; i < record.names.size(); ++i)
        line += fmt::format("  {} {:.4g}", record.names[i], record.values[i]);
    put_line(line);
    if (!terminal_) shown_ = true;
}

void Progress::note(std::string_view text) {
    put_line(fmt::format("duet: warning: {}", one_line(text)));
}

void Progress::finish() {
    if (!shown_) show(Clock::now());
    if (bar_drawn_) put("\n");
    bar_drawn_ = false;
}

void Progress::show(Clock::time_point now) {
    shown_ = true;
    if (terminal_) {
        next_ = now + time_between_drawings;
        put(fmt::format("\r{}\x1b[K", status_line(status(), terminal_width(descriptor_) - 1)));
        bar_drawn_ = true;
        return;
    }
    next_ = now + between_lines_;
    between_lines_ = std::min<Clock::duration>(2 * between_lines_, longest_time_between_lines);
    put_line(fmt::format("{} {}", local_time(), status_text(status())));
}

Status Progress::status() const {
    const double speed = speed_.steps_per_second();
    return {step_, steps_, speed, speed * static_cast<double>(images_per_step_), losses_};
}

/// A line in place of the bar, which the next step draws again.
void Progress::put_line(const std::string& line) {
    put((bar_drawn_ ? std::string(clear_line) : std::string()) + line + "\n");
    if (bar_drawn_) next_ = Clock::now();
    bar_drawn_ = false;
}

void Progress::put(std::string_view text) {
    if (!broken_) broken_ = !write_without_signal(descriptor_, text);
}

}  // namespace duet::tools
