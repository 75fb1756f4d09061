#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace duet {

/// A chunk of a PNG file, in the file's own memory.
struct PngChunk {
    std::string_view type;                ///< four letters
    std::span<const std::uint8_t> data;   ///< without length, type and checksum
    std::span<const std::uint8_t> whole;  ///< with them

    /// Whether readers must know it: the first letter is a capital.
    bool critical() const { return type[0] >= 'A' && type[0] <= 'Z'; }
    /// Whether its checksum is that of its type and data.
    bool intact() const;
};

/// Takes the chunks of a PNG file, one after the other.
class PngChunks {
 public:
    /// Throws FileError, naming `origin`, for what does not start as a PNG file does.
    PngChunks(std::span<const std::byte> contents, std::string_view origin);
    /// The next chunk. Throws FileError if it does not end within the file; so it does after the last.
    PngChunk next();

 private:
    std::span<const std::uint8_t> rest_;
    std::string origin_;
};

/// The CRC-32 of PNG's chunks.
std::uint32_t png_checksum(std::span<const std::uint8_t> bytes);

}  // namespace duet
