#pragma once

#include <atomic>
#include <cstddef>
#include <span>
#include <string>

namespace duet {

/// What the system calls its processors, "unknown" where it does not say.
std::string processor_name();

/// How many processors the calling thread may run on; zero where that is not known.
std::size_t processors();

/// How many threads can run at a time: the processors that the calling thread may run on, or of which control
/// groups grant it the time. At least one.
std::size_t usable_processors();

/// The processor that the calling thread runs on; -1 where that is not known.
int current_processor();

/// Moves the calling thread to a processor that is not in `taken`, if it may run on such a one. Where it may
/// run stays as it was.
void leave_processors(std::span<const std::atomic<int>> taken);

}  // namespace duet
