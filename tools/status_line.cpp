#include "status_line.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace duet::tools {

namespace {

constexpr std::size_t longest_bar = 30, shortest_bar = 6, frame = 3;
constexpr std::string_view loss_suffix = "_loss";

std::string left_text(const Status& status) {
    const double left = static_cast<double>(status.steps - std::min(status.step, status.steps));
    const double seconds = status.steps_per_second > 0 ? left / status.steps_per_second : left > 0 ? -1 : 0;
    return clock_text(seconds) + " left";
}

std::string losses_text(std::span<const ShownLoss> losses) {
    std::string text;
    for (const ShownLoss& loss : losses) text += fmt::format("  {} {:.4g}", loss.name, loss.value);
    return text;
}

char initial(std::string_view name) {
    const char first = name.empty() ? '?' : name.front();
    return first >= 'a' && first <= 'z' ? static_cast<char>(first - 'a' + 'A') : first;
}

/// The same with "D" for "discriminator_loss", or without "_loss" where two begin alike.
std::string short_losses_text(std::span<const ShownLoss> losses) {
    std::string text, initials;
    for (const ShownLoss& loss : losses) initials += initial(loss.name);
    for (std::size_t i = 0; i < losses.size(); ++i) {
        std::string name(1, initials[i]);
        if (std::count(initials.begin(), initials.end(), initials[i]) > 1) {
            name = losses[i].name;
            if (name.ends_with(loss_suffix)) name.resize(name.size() - loss_suffix.size());
        }
        text += fmt::format("  {} {:.4g}", name, losses[i].value);
    }
    return text;
}

double share_of(const Status& status) {
    if (status.steps == 0) return 1;
    return std::min(1.0, static_cast<double>(status.step) / static_cast<double>(status.steps));
}

}  // namespace

std::string clock_text(double seconds) {
    constexpr double longest = 1e9;
    if (!(seconds >= 0)) return "-:--";
    const auto whole = static_cast<std::uint64_t>(std::lround(std::min(seconds, longest)));
    const std::uint64_t hours = whole / 3600, minutes = whole / 60 % 60;
    return hours > 0 ? fmt::format("{}:{:02}:{:02}", hours, minutes, whole % 60)
                     : fmt::format("{}:{:02}", minutes, whole % 60);
}

std::string bar(double share, std::size_t width) {
    const auto full = std::min(width, static_cast<std::size_t>(share * static_cast<double>(width)));
    return fmt::format("[{}{}]", std::string(full, '#'), std::string(width - full, '.'));
}

std::string status_text(const Status& status) {
    return fmt::format("step {}/{}{}  {:.0f} images/s  {}", status.step, status.steps,
                       losses_text(status.losses), status.images_per_second, left_text(status));
}

std::string status_line(const Status& status, std::size_t width) {
    const std::string count = fmt::format("{}/{}", status.step, status.steps), left = left_text(status);
    const std::vector<std::string> texts = {
        status_text(status), fmt::format("step {}{}  {}", count, losses_text(status.losses), left),
        fmt::format("step {}{}  {}", count, short_losses_text(status.losses), left),
        fmt::format("step {}  {}", count, left), fmt::format("{} {}", count, left)};
    for (const std::string& text : texts) {
        if (text.size() + shortest_bar + frame > width) continue;
        const std::size_t room = std::min(longest_bar, width - text.size() - frame);
        return fmt::format("{} {}", bar(share_of(status), room), text);
    }
    const std::string percent = fmt::format("{}%", static_cast<int>(100 * share_of(status)));
    for (const std::string& text : {texts.back(), fmt::format("{} {}", percent, left)})
        if (text.size() <= width) return text;
    return percent.substr(0, width);
}

}  // namespace duet::tools
