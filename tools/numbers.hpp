#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "command.hpp"

namespace duet::tools {

/// Accepts a whole number in decimal digits from `low` to `high`.
Check whole_number(std::uint64_t low, std::uint64_t high);
/// Accepts one of `names`; the message for another names what was likely meant, or all.
Check one_of(std::vector<std::string> names);
/// Accepts anything but nothing; completion offers these names.
Check any_text(std::vector<std::string> names = {});

/// Adds --scale, how much a picture is magnified; `otherwise` says what it is without, and leaves `scale` 0.
void add_scale_option(Command& command, std::size_t& scale, const std::string& otherwise);

/// Threads when --threads is not given: two, or one where the process may use one processor. Results do not
/// depend on it.
std::size_t default_threads();
/// Adds --threads.
void add_threads_option(Command& command, std::size_t& threads);
/// Warns on the standard error where fewer threads work than were asked for, or more than there are
/// processors for.
void warn_of_threads(std::size_t asked, std::size_t working);

}  // namespace duet::tools
