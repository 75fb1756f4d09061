#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace duet::tools {

/// Accepts a whole number in decimal digits from `low` to `high`.
CLI::Validator whole_number(std::uint64_t low, std::uint64_t high);
/// Accepts one of `names`; the message for another names what was likely meant, or all.
CLI::Validator one_of(std::vector<std::string> names);
/// Accepts anything; completion offers these.
CLI::Validator suggested(const std::vector<std::string>& names);
/// What one_of or suggested of an option offers; empty without.
std::vector<std::string> choices_of(CLI::Option& option);
/// Accepts anything but nothing.
CLI::Validator path_name();

/// Adds --scale, how much a picture is magnified; `otherwise` says what it is without, and leaves `scale` 0.
void add_scale_option(CLI::App& command, std::size_t& scale, const std::string& otherwise);

/// Threads when --threads is not given: two, or one where the process may use one processor. Results do not
/// depend on it.
std::size_t default_threads();
/// Adds --threads.
void add_threads_option(CLI::App& command, std::size_t& threads);
/// Warns on the standard error where fewer threads work than were asked for, or more than there are
/// processors for.
void warn_of_threads(std::size_t asked, std::size_t working);

}  // namespace duet::tools
