#include <duet/data/file.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <duet/graph/error.hpp>

namespace duet {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view partial_prefix = ".duet-", partial_suffix = ".partial";

std::string reason(int error_number) {
    return std::generic_category().message(error_number);
}

/// Whether an error says something of the name that was given, rather than of the machine.
bool is_of_the_name(int error_number) {
    return error_number == ENOENT || error_number == ENOTDIR || error_number == EACCES ||
           error_number == EPERM || error_number == EISDIR || error_number == ELOOP ||
           error_number == ENAMETOOLONG;
}

[[noreturn]] void fail_to_write(const fs::path& path, int error_number) {
    throw StorageError(fmt::format("cannot write {}: {}", path.string(), reason(error_number)));
}

template <class Call>
auto retry_when_interrupted(Call call) {
    auto result = call();
    while (result < 0 && errno == EINTR) result = call();
    return result;
}

class Descriptor {
 public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    int number() const { return number_; }
    bool valid() const { return number_ >= 0; }
    void release() { number_ = -1; }
    /// Closes now; returns false and leaves errno if the system reports a late write error.
    bool close() {
        const int result = ::close(number_);
        number_ = -1;
        return result == 0 || errno == EINTR;
    }

 private:
    int number_;
};

/// Removes a file when it goes out of scope, unless released.
class Removal {
 public:
    explicit Removal(const fs::path& path) : path_(path) {}
    Removal(const Removal&) = delete;
    Removal& operator=(const Removal&) = delete;
    ~Removal() {
        if (armed_) ::unlink(path_.c_str());
    }
    void release() { armed_ = false; }

 private:
    const fs::path& path_;
    bool armed_ = true;
};

/// The file that a write to `path` replaces: links are followed, anything but a regular file is refused.
fs::path resolve_target(const fs::path& path) {
    if (!path.has_filename()) {
        throw FileError(fmt::format("cannot write \"{}\": it does not end in a file name", path.string()));
    }
    std::error_code ignored;
    const fs::file_status status = fs::status(path, ignored);
    if (!fs::exists(status)) return path;
    if (fs::is_directory(status)) {
        throw FileError(
            fmt::format("cannot write {}: it is a folder; give the name of a file", path.string()));
    }
    if (!fs::is_regular_file(status)) {
        throw FileError(fmt::format("cannot write {}: it exists and is not a regular file", path.string()));
    }
    std::error_code failed;
    fs::path resolved = fs::canonical(path, failed);
    if (failed) throw_file_error("write", path, failed.value());
    return resolved;
}

void write_all(int number, std::span<const std::span<const std::byte>> pieces, const fs::path& path) {
    constexpr std::size_t largest_write = std::size_t{1} << 30;
    std::array<iovec, 64> vectors{};
    // What is written ends `offset` bytes into the first of `pieces`.
    std::size_t offset = 0;
    while (true) {
        while (!pieces.empty() && offset >= pieces.front().size()) {
            offset -= pieces.front().size();
            pieces = pieces.subspan(1);
        }
        if (pieces.empty()) return;
        std::size_t count = 0, bytes = 0;
        for (; count < std::min(pieces.size(), vectors.size()) && bytes < largest_write; ++count) {
            const auto rest = pieces[count].subspan(count == 0 ? offset : 0);
            const std::size_t size = std::min(rest.size(), largest_write - bytes);
            vectors[count] = {const_cast<std::byte*>(rest.data()), size};
            bytes += size;
        }
        const auto written =
            retry_when_interrupted([&] { return ::writev(number, vectors.data(), static_cast<int>(count)); });
        if (written < 0) fail_to_write(path, errno);
        offset += static_cast<std::size_t>(written);
    }
}

void flush_folder(const fs::path& folder, const fs::path& path) {
    Descriptor descriptor(
        retry_when_interrupted([&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    // A folder that may be written but not read cannot be flushed; some file systems have no such call.
    if (!descriptor.valid()) return;
    if (retry_when_interrupted([&] { return ::fsync(descriptor.number()); }) != 0 && errno != EINVAL) {
        throw StorageError(fmt::format("cannot flush the folder of {}: {}", path.string(), reason(errno)));
    }
}

}  // namespace

Bytes read_file(const fs::path& path, std::uint64_t max_bytes) {
    // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
    const Descriptor descriptor(
        retry_when_interrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); }));
    if (!descriptor.valid()) throw_file_error("read", path, errno);
    struct stat status {};
    if (::fstat(descriptor.number(), &status) != 0) throw_file_error("read", path, errno);
    if (S_ISDIR(status.st_mode)) {
        throw FileError(fmt::format("cannot read {}: it is a folder, not a file", path.string()));
    }
    if (!S_ISREG(status.st_mode)) {
        throw FileError(fmt::format("cannot read {}: it is not a regular file", path.string()));
    }
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size > max_bytes) {
        throw FileError(fmt::format("cannot read {}: it has {} bytes, more than the {} allowed here",
                                    path.string(), size, max_bytes));
    }
    Bytes contents(static_cast<std::size_t>(size));
    std::size_t filled = 0;
    while (filled < contents.size()) {
        const auto count = retry_when_interrupted(
            [&] { return ::read(descriptor.number(), contents.data() + filled, contents.size() - filled); });
        if (count < 0) throw_file_error("read", path, errno);
        if (count == 0) break;
        filled += static_cast<std::size_t>(count);
    }
    if (filled < contents.size()) {
        throw FileError(fmt::format("cannot read {}: it ended after {} of {} bytes; is it being written?",
                                    path.string(), filled, contents.size()));
    }
    return contents;
}

void write_file_atomically(const fs::path& path, std::span<const std::span<const std::byte>> pieces) {
    const fs::path target = resolve_target(path);
    const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");

    constexpr int most_attempts = 1000;
    fs::path temporary;
    int number = -1;
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        temporary = folder / fmt::format("{}{}-{}{}", partial_prefix, ::getpid(), attempt, partial_suffix);
        number = retry_when_interrupted(
            [&] { return ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
        if (number >= 0 || errno != EEXIST) break;
    }
    if (number < 0) {
        const int error_number = errno;
        if (error_number == ENOENT) {
            throw StorageError(
                fmt::format("cannot write {}: the folder {} does not exist", path.string(), folder.string()));
        }
        throw StorageError(fmt::format("cannot write {}: no file can be made in the folder {}: {}",
                                       path.string(), folder.string(), reason(error_number)));
    }
    Descriptor descriptor(number);
    Removal removal(temporary);

    write_all(number, pieces, path);
    if (retry_when_interrupted([&] { return ::fsync(number); }) != 0) fail_to_write(path, errno);
    if (!descriptor.close()) fail_to_write(path, errno);
    if (::rename(temporary.c_str(), target.c_str()) != 0) fail_to_write(path, errno);
    removal.release();
    flush_folder(folder, path);
}

void write_file_atomically(const fs::path& path, std::span<const std::byte> contents) {
    write_file_atomically(path, std::span(&contents, 1));
}

void write_file_atomically(const fs::path& path, std::string_view text) {
    write_file_atomically(path, std::as_bytes(std::span(text)));
}

void throw_file_error(std::string_view action, const fs::path& path, int error_number) {
    const std::string message = fmt::format("cannot {} {}: {}", action, path.string(), reason(error_number));
    if (is_of_the_name(error_number)) throw FileError(message);
    throw StorageError(message);
}

void remove_partials(const fs::path& folder) {
    std::error_code error;
    for (fs::directory_iterator entries(folder, error), end; !error && entries != end;
         entries.increment(error)) {
        const std::string name = entries->path().filename().string();
        std::error_code ignored;
        if (name.starts_with(partial_prefix) && name.ends_with(partial_suffix))
            fs::remove(entries->path(), ignored);
    }
}

void make_folder(const fs::path& folder) {
    std::error_code error;
    if (fs::is_directory(folder, error)) return;
    if (fs::exists(fs::symlink_status(folder, error)))
        throw FileError(
            fmt::format("cannot make the folder {}: something else is in its place", folder.string()));
    const fs::path parent = folder.has_parent_path() ? folder.parent_path() : fs::path(".");
    if (parent != folder) make_folder(parent);
    if (!fs::create_directory(folder, error) && error)
        throw_file_error("make the folder", folder, error.value());
}

void flush_names(const fs::path& path) {
    fs::path name = path;
    while (name.has_relative_path()) {
        const fs::path folder = name.has_parent_path() ? name.parent_path() : fs::path(".");
        flush_folder(folder, name);
        if (folder == ".") break;
        name = folder;
    }
}

AppendedFile::AppendedFile(const fs::path& path, std::uint64_t size)
    : path_(path),
      number_(retry_when_interrupted(
          [&] { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666); })),
      size_(size) {
    if (number_ < 0) fail_to_write(path, errno);
    Descriptor opened(number_);
    struct stat status {};
    if (::fstat(number_, &status) != 0) fail_to_write(path, errno);
    if (static_cast<std::uint64_t>(status.st_size) < size)
        throw StorageError(fmt::format("{} has {} bytes, fewer than the {} that were written to it",
                                       path.string(), status.st_size, size));
    if (::ftruncate(number_, static_cast<off_t>(size)) != 0) fail_to_write(path, errno);
    opened.release();
}

AppendedFile::~AppendedFile() {
    ::close(number_);
}

void AppendedFile::append(std::string_view text) {
    try {
        const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
        write_all(number_, std::span(&bytes, 1), path_);
    } catch (const StorageError&) {
        if (::ftruncate(number_, static_cast<off_t>(size_)) != 0) fail_to_write(path_, errno);
        throw;
    }
    size_ += text.size();
}

void AppendedFile::sync() const {
    if (retry_when_interrupted([&] { return ::fsync(number_); }) != 0) fail_to_write(path_, errno);
}

std::string quoted_for_message(std::string_view name) {
    constexpr std::size_t longest = 80;
    std::string text = "\"";
    for (const char character : name.substr(0, longest)) {
        const bool printable = character >= ' ' && character <= '~';
        text += printable ? character : '?';
    }
    text += name.size() > longest ? "...\"" : "\"";
    return text;
}

std::string name_for_message(std::string_view name) {
    const auto plain = [](char letter) {
        return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
               (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' || letter == '.';
    };
    const std::string quoted = quoted_for_message(name);
    const bool whole = !name.empty() && quoted.size() == name.size() + 2;
    return whole && std::all_of(name.begin(), name.end(), plain) ? std::string(name) : quoted;
}

}  // namespace duet
