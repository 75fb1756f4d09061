#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <duet/data/png.hpp>

namespace duet {

/// Red, green and blue; a grey picture takes their mean.
using Color = std::array<std::uint8_t, 3>;

/// Letters of 5 x 7 pixels, a pixel apart; descenders reach one pixel below.
inline constexpr std::size_t letter_step = 6, letter_height = 8;

/// The pixels that a text is wide, its letters magnified so many times.
std::size_t text_width(std::string_view text, std::size_t scale = 1);

/// Draws a line of printable ASCII with its upper left corner there; any other byte is drawn as '?', and what
/// is outside of the picture is left out.
void draw_text(Image& image, std::ptrdiff_t left, std::ptrdiff_t top, std::string_view text, Color color,
               std::size_t scale = 1);

/// The same from bottom to top: the corner is the lower left one of the text as it is read.
void draw_text_upwards(Image& image, std::ptrdiff_t left, std::ptrdiff_t bottom, std::string_view text,
                       Color color, std::size_t scale = 1);

}  // namespace duet
