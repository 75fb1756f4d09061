#include <duet/data/data_folder.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include <duet/graph/error.hpp>

namespace duet {

namespace fs = std::filesystem;

void check_data_folder(const fs::path& folder) {
    std::error_code failed;
    const fs::file_status status = fs::status(folder, failed);
    if (!fs::exists(status)) {
        throw FileError(fmt::format("cannot read the data folder {}: {}", folder.string(),
                                    failed ? failed.message() : "it does not exist"));
    }
    if (!fs::is_directory(status)) {
        throw FileError(fmt::format("cannot read the data folder {}: it is not a folder", folder.string()));
    }
}

std::optional<fs::path> find_plain_or_gzip(const fs::path& folder, const std::string& name) {
    for (const fs::path& candidate : {folder / name, folder / (name + ".gz")}) {
        std::error_code ignored;
        if (fs::exists(candidate, ignored)) return candidate;
    }
    return std::nullopt;
}

std::vector<std::string> sorted_names(const fs::path& folder) {
    std::error_code failed;
    std::vector<std::string> names;
    fs::directory_iterator entry(folder, failed);
    for (; !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
        std::string name = entry->path().filename().string();
        if (!name.starts_with('.')) names.push_back(std::move(name));
    }
    if (failed) {
        throw FileError(fmt::format("cannot list the folder {}: {}", folder.string(), failed.message()));
    }
    std::sort(names.begin(), names.end());
    return names;
}

fs::file_type type_of(const fs::path& path) {
    std::error_code failed;
    const fs::file_status status = fs::status(path, failed);
    if (failed) throw FileError(fmt::format("cannot read {}: {}", path.string(), failed.message()));
    return status.type();
}

}  // namespace duet
