#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <duet/data/file.hpp>

namespace duet {

/// Whether the bytes start as a gzip file does (1f 8b).
bool is_gzip(std::span<const std::byte> contents);

/// The decompressed contents of a gzip file of one or more members. Throws FileError, naming `origin` (the
/// path), if the data are damaged, truncated, followed by something else, or decompress to more than
/// `max_bytes`.
Bytes gunzip(std::span<const std::byte> contents, std::uint64_t max_bytes, std::string_view origin);

/// The first `count` decompressed bytes, or all if there are fewer. Throws FileError as gunzip does, for
/// damage in the part that was read.
Bytes gunzip_prefix(std::span<const std::byte> contents, std::size_t count, std::string_view origin);

}  // namespace duet
