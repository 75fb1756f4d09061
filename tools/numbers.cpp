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

namespace {

// CLI11 keeps what an option accepts as functions: names are kept as the validator's own, each with an end.
constexpr char choice_end = '|';

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += name + choice_end;
    return text;
}

}  // namespace

CLI::Validator whole_number(std::uint64_t low, std::uint64_t high) {
    return CLI::Validator(
        [=](std::string& text) {
            std::uint64_t number = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
            if (error != std::errc() || end != text.data() + text.size() || number < low || number > high)
                return fmt::format("{} is not a whole number from {} to {}", quoted_for_message(text), low,
                                   high);
            text = std::to_string(number);
            return std::string();
        },
        "");
}

CLI::Validator one_of(std::vector<std::string> names) {
    std::string choices = joined(names);
    return CLI::Validator(
        [names = std::move(names)](std::string& text) {
            if (std::find(names.begin(), names.end(), text) != names.end()) return std::string();
            const std::string meant = nearest(text, names);
            return fmt::format("{} is unknown; {}", quoted_for_message(text),
                               meant.empty() ? fmt::format("known are {}", fmt::join(names, ", "))
                                             : fmt::format("did you mean {}?", meant));
        },
        "", std::move(choices));
}

CLI::Validator suggested(const std::vector<std::string>& names) {
    return CLI::Validator([](std::string&) { return std::string(); }, "", joined(names));
}

std::vector<std::string> choices_of(CLI::Option& option) {
    std::vector<std::string> choices;
    try {
        for (int i = 0;; ++i) {
            const std::string& names = option.get_validator(i)->get_name();
            for (std::size_t at = 0, end = 0; (end = names.find(choice_end, at)) != std::string::npos;
                 at = end + 1)
                choices.push_back(names.substr(at, end - at));
        }
    } catch (const CLI::OptionNotFound&) {  // there are no more
    }
    return choices;
}

CLI::Validator path_name() {
    return CLI::Validator(
        [](std::string& text) { return text.empty() ? std::string("the name is empty") : std::string(); },
        "");
}

void add_scale_option(CLI::App& command, std::size_t& scale, const std::string& otherwise) {
    constexpr std::size_t largest_scale = 64;
    command
        .add_option("--scale", scale,
                    fmt::format("Draw each pixel N times across and down (default: {})", otherwise))
        ->transform(whole_number(1, largest_scale))
        ->type_name("N");
}

std::size_t default_threads() {
    return std::min<std::size_t>(usable_processors(), 2);
}

void warn_of_threads(std::size_t asked, std::size_t working) {
    if (working < asked)
        write_without_signal(
            STDERR_FILENO,
            fmt::format("duet: warning: works with {} of {} threads: the system starts no more\n", working,
                        asked));
    if (const std::size_t usable = usable_processors(); working > usable)
        write_without_signal(
            STDERR_FILENO,
            fmt::format("duet: warning: {} threads share {} processor{}, which is slower than --threads {}\n",
                        working, usable, usable == 1 ? "" : "s", usable));
}

void add_threads_option(CLI::App& command, std::size_t& threads) {
    constexpr std::size_t max_threads = 256;
    threads = default_threads();
    command.add_option("--threads", threads, "Threads to work with (results do not depend on it)")
        ->check(whole_number(1, max_threads))
        ->type_name("T")
        ->capture_default_str();
}

}  // namespace duet::tools
