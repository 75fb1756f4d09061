#include "output_path.hpp"

#include <unistd.h>

#include <cerrno>
#include <system_error>

#include <fmt/format.h>

#include <duet/graph/error.hpp>

namespace duet::tools {

namespace fs = std::filesystem;

namespace {

void check_folder(const char* option, const fs::path& folder) {
    std::error_code error;
    if (!fs::exists(folder, error))
        throw Error(fmt::format("{}: there is no folder {}", option, folder.string()));
    if (!fs::is_directory(folder, error))
        throw Error(fmt::format("{}: {} is not a folder", option, folder.string()));
    if (access(folder.c_str(), W_OK | X_OK) == 0) return;
    if (errno == EROFS)
        throw StorageError(
            fmt::format("{}: the folder {} is on a read-only file system", option, folder.string()));
    throw Error(fmt::format("{}: the folder {} is not writable", option, folder.string()));
}

fs::path parent_of(const fs::path& path) {
    return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

}  // namespace

void check_output_file(const char* option, const fs::path& path) {
    check_folder(option, parent_of(path));
    std::error_code error;
    if (fs::is_directory(path, error))
        throw Error(fmt::format("{}: {} is a folder; give the name of a file", option, path.string()));
}

void check_output_folder(const char* option, const fs::path& path) {
    std::error_code error;
    fs::path folder = path;
    while (!fs::exists(folder, error) && folder != parent_of(folder)) folder = parent_of(folder);
    check_folder(option, folder);
}

}  // namespace duet::tools
