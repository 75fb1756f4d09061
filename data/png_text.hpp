#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <duet/data/file.hpp>
#include <duet/data/png.hpp>

namespace duet {

/// A text that a PNG file carries beside its picture, a tEXt chunk (PNG 1.2, section 11.3.4.3).
struct PngText {
    std::string keyword;  ///< "Software", "Comment", or one of one's own: 1 to 79 letters of printable ASCII
    std::string text;     ///< bytes that are not printable ASCII are written as '?'

    friend bool operator==(const PngText&, const PngText&) = default;
};

/// The most texts of a file, and the most letters of one.
inline constexpr std::size_t most_png_texts = 64;
inline constexpr std::size_t most_png_letters = 1 << 16;

/// encode_png(image) with these texts before the pixels. Throws Error as it does, for another keyword, and
/// for more or longer texts.
Bytes encode_png(const Image& image, std::span<const PngText> texts);

/// Writes it with write_file_atomically.
void write_png(const std::filesystem::path& path, const Image& image, std::span<const PngText> texts);

/// The texts of a PNG file, in its order; compressed and international ones are passed over. Throws
/// FileError, naming the path, for what is no PNG file, for a chunk that is truncated or damaged, a text that
/// breaks the rules above, and above the limits. The pixels are not looked at.
std::vector<PngText> read_png_texts(const std::filesystem::path& path);

/// The same from memory; `origin` stands for the path in errors.
std::vector<PngText> parse_png_texts(std::span<const std::byte> contents, std::string_view origin);

/// The first text of that keyword, or empty.
std::string png_text(std::span<const PngText> texts, std::string_view keyword);

}  // namespace duet
