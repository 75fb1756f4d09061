#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <duet/data/lettering.hpp>
#include <duet/data/png.hpp>
#include <duet/data/png_text.hpp>

namespace duet::tools {

/// How wide pictures are about whose scale nobody gives, in pixels; and the largest scale that can be given.
inline constexpr std::size_t usual_picture_width = 600;
inline constexpr std::size_t largest_scale = 64;

/// The whole number of times, at least one, that brings a picture of this width closest to `wanted` pixels.
std::size_t scale_for(std::size_t width, std::size_t wanted = usual_picture_width);

/// The picture magnified; by scale_for(its width) if `scale` is zero.
Image scaled(const Image& picture, std::size_t scale);

/// The scale of a sample picture that is `width` pixels wide where unscaled ones are `plain_width`; none if
/// it is not a whole number.
std::optional<std::size_t> scale_of(std::size_t width, std::size_t plain_width);

/// A picture whose every pixel stands there `scale` times across and down, with each once.
Image reduced(const Image& picture, std::size_t scale);

/// What a picture of Duet's says of itself: Software, "duet 0.1.0"; Seed; Step and Weights SHA-256 where they
/// are known.
std::vector<PngText> picture_texts(std::uint64_t seed, std::optional<std::uint64_t> step,
                                   std::string_view weights_sha256);

/// How much letters are magnified in a picture of this width.
std::size_t letter_scale(std::size_t picture_width);

/// A line of text as a picture of this width, a few pixels around it; what does not fit is cut, which two
/// dots show.
Image line_of_text(std::string_view text, std::size_t width, std::size_t channels, Color letters,
                   Color background);

/// Pictures of one width and number of channels below each other. Throws Error if they are not, or if there
/// are none.
Image stacked(std::span<const Image> pictures);

/// A sample picture as a frame of an animation: below it stand step and run, "step 2000  runs/first", light
/// on dark.
Image animation_frame(const Image& picture, std::uint64_t step, std::string_view run);

}  // namespace duet::tools
