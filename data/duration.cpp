#include <duet/data/duration.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace duet {

std::optional<double> seconds_of(std::string_view text) {
    struct Unit {
        char letter;
        double seconds;
    };
    constexpr std::array units = {Unit{'d', 86'400}, Unit{'h', 3600}, Unit{'m', 60}, Unit{'s', 1}};
    constexpr double longest = 100 * 366 * 86'400.0;
    double seconds = 0;
    const auto* unit = units.begin();
    while (!text.empty()) {
        std::uint32_t number = 0;
        const char* const end = text.data() + text.size();
        const auto [next, error] = std::from_chars(text.data(), end, number);
        if (error != std::errc() || next == end) return std::nullopt;
        unit = std::find_if(unit, units.end(),
                            [letter = *next](const Unit& each) { return each.letter == letter; });
        if (unit == units.end()) return std::nullopt;
        seconds += number * unit->seconds;
        ++unit;
        text.remove_prefix(static_cast<std::size_t>(next + 1 - text.data()));
    }
    if (seconds <= 0 || seconds > longest) return std::nullopt;
    return seconds;
}

}  // namespace duet
