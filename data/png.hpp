#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include <duet/data/file.hpp>
#include <duet/graph/array.hpp>

namespace duet {

/// A picture of 8-bit samples, 0 black to 255 full.
struct Image {
    std::size_t width = 0;
    std::size_t height = 0;
    std::size_t channels = 1;  ///< 1 grey, 3 red-green-blue
    Bytes pixels;              ///< (height, width, channels), row-major
};

/// The most pixels of a picture that is read, written or composed: 2^28; and the most along a side.
inline constexpr std::uint64_t max_image_pixels = std::uint64_t{1} << 28;
inline constexpr std::uint64_t max_image_side = 1'000'000;

/// The picture as the bytes of a PNG file; the same picture gives the same bytes. Throws Error if its sizes
/// are zero, above the limits or do not match its pixels, or its channels are neither 1 nor 3.
Bytes encode_png(const Image& image);

/// Writes encode_png(image) with write_file_atomically. Throws Error and FileError as they do.
void write_png(const std::filesystem::path& path, const Image& image);

/// The picture in a PNG file of 8-bit grey or RGB samples without transparency. Throws FileError, naming the
/// path, for any other kind of PNG, for damage, truncation or trailing bytes, and above the limits.
Image read_png(const std::filesystem::path& path);

/// The same from memory; `origin` stands for the path in errors.
Image parse_png(std::span<const std::byte> contents, std::string_view origin);

/// Pictures of one size side by side, row by row, `columns` to a row, with `padding` pixels of value
/// `background` around each. The last row may be short; with fewer pictures than columns the grid is as wide
/// as they are. Throws Error if there are no pictures or columns, if pictures differ in size or channels, or
/// if the grid exceeds the limits.
Image tile_grid(std::span<const Image> images, std::size_t columns, std::size_t padding,
                std::uint8_t background = 0);

/// The same for pictures from an array, channels first: colour ones of shape (N, 3, height, width), grey ones
/// of (N, 1, height, width), (N, height, width) or (N, height * width). Values are clipped to [0, 1] and
/// rounded to the nearest 1/255; NaN is drawn as 0. Throws ShapeError for another shape.
Image tile_grid(const Array& images, std::size_t height, std::size_t width, std::size_t columns,
                std::size_t padding, std::uint8_t background = 0);

/// The picture with each pixel drawn `scale` times in both directions. Throws Error if scale is zero or the
/// result exceeds the limits.
Image magnified(const Image& image, std::size_t scale);

/// Writes the tile_grid of an array as a PNG file.
void write_png_grid(const std::filesystem::path& path, const Array& images, std::size_t height,
                    std::size_t width, std::size_t columns, std::size_t padding);

}  // namespace duet
