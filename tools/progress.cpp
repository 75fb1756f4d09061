#include "progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <fmt/format.h>

namespace duet::tools {

namespace {

constexpr std::uint64_t plain_lines = 20;
constexpr auto time_between_drawings = std::chrono::milliseconds(100);

std::size_t terminal_width() {
    winsize size{};
    constexpr std::size_t usual = 80;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return usual;
    return size.ws_col;
}

/// "2:31", "1:02:31"
std::string clock_text(double seconds) {
    constexpr double longest = 1e9;
    const auto whole = static_cast<std::uint64_t>(std::lround(std::min(seconds, longest)));
    const std::uint64_t hours = whole / 3600, minutes = whole / 60 % 60;
    return hours > 0 ? fmt::format("{}:{:02}:{:02}", hours, minutes, whole % 60)
                     : fmt::format("{}:{:02}", minutes, whole % 60);
}

void put(const std::string& text) {
    std::fputs(text.c_str(), stderr);
    std::fflush(stderr);
}

}  // namespace

Progress::Progress(std::uint64_t steps, std::uint64_t images_per_step)
    : steps_(steps),
      images_per_step_(images_per_step),
      terminal_(isatty(STDERR_FILENO) != 0),
      start_(Clock::now()),
      next_drawing_(start_) {}

Progress::~Progress() {
    finish();
}

void Progress::see(const models::Record& record) {
    const bool last = record.step == steps_;
    if (terminal_) {
        const Clock::time_point now = Clock::now();
        if (now < next_drawing_ && !last) return;
        next_drawing_ = now + time_between_drawings;
        draw_bar(record);
        return;
    }
    const double share = static_cast<double>(record.step) / static_cast<double>(steps_);
    const auto due = static_cast<std::uint64_t>(share * static_cast<double>(plain_lines));
    if (due <= lines_ && !last) return;
    lines_ = due;
    put(status(record) + "\n");
}

void Progress::finish() {
    if (bar_drawn_) put("\n");
    bar_drawn_ = false;
}

std::string Progress::status(const models::Record& record) const {
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    const double done = static_cast<double>(record.step);
    const double rate = seconds > 0 ? done / seconds : 0;
    const double left = rate > 0 ? (static_cast<double>(steps_) - done) / rate : 0;
    std::string losses;
    for (std::size_t i = 0; i < record.names.size(); ++i)
        if (record.names[i].ends_with("_loss"))
            losses += fmt::format("  {} {:.4g}", record.names[i], record.values[i]);
    return fmt::format("step {}/{}{}  {:.0f} images/s  {} left", record.step, steps_, losses,
                       rate * static_cast<double>(images_per_step_), clock_text(left));
}

void Progress::draw_bar(const models::Record& record) {
    constexpr std::size_t longest_bar = 30, shortest_bar = 6, frame = 3;
    const std::size_t width = terminal_width() - 1;
    std::string line = status(record).substr(0, width);
    const std::size_t room = width - line.size();
    if (room >= shortest_bar + frame) {
        const std::size_t bar = std::min(longest_bar, room - frame);
        const double share = static_cast<double>(record.step) / static_cast<double>(steps_);
        const auto full = std::min(bar, static_cast<std::size_t>(share * static_cast<double>(bar)));
        line = fmt::format("[{}{}] {}", std::string(full, '#'), std::string(bar - full, '.'), line);
    }
    put("\r" + line + "\x1b[K");
    bar_drawn_ = true;
}

}  // namespace duet::tools
