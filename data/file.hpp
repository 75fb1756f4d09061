#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace duet {

/// The contents of a file, or of a part of one.
using Bytes = std::vector<std::uint8_t>;

/// The most that read_file takes in unless told otherwise: 4 GiB.
inline constexpr std::uint64_t default_max_file_bytes = std::uint64_t{4} << 30;

/// The whole of a regular file. Throws FileError, naming path and reason, if the file is missing, unreadable,
/// not a regular file (a folder, a pipe, a device) or larger than `max_bytes`.
Bytes read_file(const std::filesystem::path& path, std::uint64_t max_bytes = default_max_file_bytes);

/// Makes `path` hold exactly `contents`: they are written to a temporary file in the same folder, flushed to
/// the disk and renamed over `path`, so a reader sees the old file or the new one and never a part. A link is
/// followed. Throws FileError, naming path and reason; the temporary file is then gone and `path` is as it
/// was.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> contents);

/// A name found in a file, fit for one line of an error message: in double quotes, with bytes that are not
/// printable ASCII as '?', cut after 80 characters.
std::string quoted_for_message(std::string_view name);

/// The same for a key or a path, without quotes where it is short and of letters, digits, '-', '_' and '.'.
std::string name_for_message(std::string_view name);

}  // namespace duet
