#pragma once

#include <filesystem>

namespace duet::tools {

/// Throws Error, naming `option`, if a file of that path could not be written later: its folder is missing or
/// not writable, or the path is a folder; StorageError if its file system is read-only.
void check_output_file(const char* option, const std::filesystem::path& path);

/// The same of a folder that is made where it is missing, with all above it.
void check_output_folder(const char* option, const std::filesystem::path& path);

}  // namespace duet::tools
