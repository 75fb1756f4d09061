#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json_fwd.hpp>

// Of tools/, parsing and writing are instantiated here alone: each source that did so itself took a second
// longer to compile.

namespace duet::tools {

/// The object in a JSON file of at most 1 MiB. Throws FileError if it is missing, or not what `writer`, such
/// as "duet train", writes.
nlohmann::json read_json(const std::filesystem::path& path, const std::string& writer);
/// The text that an object has under a key; empty where there is none.
std::string text_in(const nlohmann::json& object, const char* key);
/// `indent` spaces a level, or one line if it is negative; what is not UTF-8 is replaced.
std::string json_text(const nlohmann::ordered_json& json, int indent = -1);

}  // namespace duet::tools
