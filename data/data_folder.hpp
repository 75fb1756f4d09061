#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace duet {

/// Throws FileError if `folder` is missing or something else than a folder.
void check_data_folder(const std::filesystem::path& folder);

/// The path of the file `name` in `folder`, or else of `name`.gz, if either is there.
std::optional<std::filesystem::path> find_plain_or_gzip(const std::filesystem::path& folder,
                                                        const std::string& name);

/// The names in `folder` in bytewise order, without those that start with a dot. Throws FileError if it
/// cannot be listed.
std::vector<std::string> sorted_names(const std::filesystem::path& folder);

/// What a name stands for once its links are followed. Throws FileError if that cannot be told: a link that
/// leads nowhere or to itself.
std::filesystem::file_type type_of(const std::filesystem::path& path);

}  // namespace duet
