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
/// not a regular file (a folder, a pipe, a device) or larger than `max_bytes`, and StorageError if reading it
/// fails.
Bytes read_file(const std::filesystem::path& path, std::uint64_t max_bytes = default_max_file_bytes);

/// Makes `path` hold exactly `contents`: they are written to a temporary file in the same folder, flushed to
/// the disk and renamed over `path`, so a reader sees the old file or the new one and never a part. A link is
/// followed. Throws FileError, naming path and reason, if `path` cannot be a file, and StorageError if
/// writing fails; the temporary file is then gone and `path` is as it was.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> contents);
/// The same of the pieces one after another.
void write_file_atomically(const std::filesystem::path& path,
                           std::span<const std::span<const std::byte>> pieces);
void write_file_atomically(const std::filesystem::path& path, std::string_view text);

/// Removes the temporary files of write_file_atomically from a folder that nobody else is writing to. What
/// cannot be removed stays.
void remove_partials(const std::filesystem::path& folder);

/// Makes a folder where it is missing, with all above it. Throws FileError if something else is in its place
/// or it may not be made, and StorageError if making it fails.
void make_folder(const std::filesystem::path& folder);
/// Waits until the names of a file or folder, and of all folders above it, would be there after a failure of
/// power. Throws StorageError.
void flush_names(const std::filesystem::path& path);

/// Throws FileError if an error of the system says something of the name that was given, such as that there
/// is no such file, and StorageError if it says something of the machine: "cannot <action> <path>: <reason>".
[[noreturn]] void throw_file_error(std::string_view action, const std::filesystem::path& path,
                                   int error_number);

/// A text file that grows at its end, where a reader may follow it. What is appended is there whole or not at
/// all.
class AppendedFile {
 public:
    /// Opens or makes the file and cuts it to `size` bytes. Throws StorageError if that fails or if it has
    /// fewer.
    AppendedFile(const std::filesystem::path& path, std::uint64_t size);
    ~AppendedFile();
    AppendedFile(const AppendedFile&) = delete;
    AppendedFile& operator=(const AppendedFile&) = delete;

    /// Throws StorageError; the file then ends where it did.
    void append(std::string_view text);
    /// Waits until all of it is on the disk; may be called beside append. Throws StorageError.
    void sync() const;
    /// Bytes of the file.
    std::uint64_t size() const { return size_; }

 private:
    std::filesystem::path path_;
    int number_;
    std::uint64_t size_;
};

/// A name found in a file, fit for one line of an error message: in double quotes, with bytes that are not
/// printable ASCII as '?', cut after 80 characters.
std::string quoted_for_message(std::string_view name);

/// The same for a key or a path, without quotes where it is short and of letters, digits, '-', '_' and '.'.
std::string name_for_message(std::string_view name);

}  // namespace duet
