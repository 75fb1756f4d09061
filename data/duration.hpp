#pragma once

#include <optional>
#include <string_view>

namespace duet {

/// The seconds of a time such as "90s", "50m", "1h30m" or "2d": whole numbers with their units, each unit
/// once and the larger before the smaller. Nothing for any other text, for no time at all, and above a
/// hundred years.
std::optional<double> seconds_of(std::string_view text);

}  // namespace duet
