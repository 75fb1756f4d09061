#include <duet/data/png_chunks.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <zlib.h>

#include <duet/graph/error.hpp>

namespace duet {

namespace {

constexpr std::array<std::uint8_t, 8> signature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr std::size_t length_bytes = 4, type_bytes = 4, checksum_bytes = 4,
                      around_data = length_bytes + type_bytes + checksum_bytes;

std::uint32_t big_endian(std::span<const std::uint8_t> bytes) {
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 |
           bytes[3];
}

}  // namespace

bool PngChunk::intact() const {
    return png_checksum(whole.subspan(length_bytes, type_bytes + data.size())) ==
           big_endian(whole.last(checksum_bytes));
}

PngChunks::PngChunks(std::span<const std::byte> contents, std::string_view origin)
    : rest_(reinterpret_cast<const std::uint8_t*>(contents.data()), contents.size()), origin_(origin) {
    if (rest_.size() < signature.size() || !std::equal(signature.begin(), signature.end(), rest_.begin()))
        throw FileError(fmt::format("{}: not a PNG file", origin));
    rest_ = rest_.subspan(signature.size());
}

PngChunk PngChunks::next() {
    const bool room = rest_.size() >= around_data;
    const std::size_t size = room ? big_endian(rest_) : 0;
    if (!room || size > rest_.size() - around_data)
        throw FileError(fmt::format("{}: the PNG file ends within a chunk; is it truncated?", origin_));
    const PngChunk chunk{{reinterpret_cast<const char*>(rest_.data()) + length_bytes, type_bytes},
                         rest_.subspan(length_bytes + type_bytes, size),
                         rest_.first(around_data + size)};
    rest_ = rest_.subspan(around_data + size);
    return chunk;
}

std::uint32_t png_checksum(std::span<const std::uint8_t> bytes) {
    return static_cast<std::uint32_t>(crc32_z(crc32_z(0, nullptr, 0), bytes.data(), bytes.size()));
}

}  // namespace duet
