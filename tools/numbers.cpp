#include "numbers.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <duet/data/file.hpp>
#include <duet/data/spec.hpp>
#include <duet/graph/error.hpp>
#include <duet/graph/runtime/processor.hpp>

#include "output.hpp"

namespace duet::tools {

Check whole_number(std::uint64_t low, std::uint64_t high) {
    return {[=](std::string& text) {
        std::uint64_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc() || end != text.data() + text.size() || number < low || number > high)
            return fmt::format("{} is not a whole number from {} to {}", quoted_for_message(text), low, high);
        text = std::to_string(number);
        return std::string();
    }};
}

Check one_of(std::vector<std::string> names) {
    const auto fault = [names](const std::string& text) {
        if (std::find(names.begin(), names.end(), text) != names.end()) return std::string();
        const std::string meant = nearest(text, names);
        return fmt::format("{} is unknown; {}", quoted_for_message(text),
                           meant.empty() ? fmt::format("known are {}", fmt::join(names, ", "))
                                         : fmt::format("did you mean {}?", meant));
    };
    return {fault, std::move(names)};
}

Check any_text(std::vector<std::string> names) {
    return {[](const std::string& text) { return std::string(text.empty() ? "the value is empty" : ""); },
            std::move(names)};
}

void add_scale_option(Command& command, std::size_t& scale, const std::string& otherwise) {
    constexpr std::size_t largest_scale = 64;
    command
        .option("--scale", scale,
                fmt::format("Draw each pixel N times across and down (default: {})", otherwise))
        .takes("N", whole_number(1, largest_scale));
}

std::size_t default_threads() {
    return std::min<std::size_t>(usable_processors(), 2);
}

void warn_of_threads(std::size_t asked, std::size_t working) {
    if (working < asked)
        warn(fmt::format("works with {} of {} threads: the system starts no more", working, asked));
    if (const std::size_t usable = usable_processors(); working > usable)
        warn(fmt::format("{} threads share {} processor{}, which is slower than --threads {}", working,
                         usable, usable == 1 ? "" : "s", usable));
}

void add_threads_option(Command& command, std::size_t& threads) {
    constexpr std::size_t max_threads = 256;
    threads = default_threads();
    command.option("--threads", threads, "Threads to work with (results do not depend on it)")
        .takes("T", whole_number(1, max_threads))
        .with_default();
}

}  // namespace duet::tools
