#include "json_file.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <duet/data/file.hpp>
#include <duet/graph/error.hpp>

namespace duet::tools {

nlohmann::json read_json(const std::filesystem::path& path, const std::string& writer) {
    constexpr std::uint64_t most_bytes = 1 << 20;
    const Bytes contents = read_file(path, most_bytes);
    nlohmann::json json = nlohmann::json::parse(contents.begin(), contents.end(), nullptr, false);
    if (!json.is_object())
        throw FileError(fmt::format("{}: not JSON as `{}` writes it", path.string(), writer));
    return json;
}

std::string text_in(const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string json_text(const nlohmann::ordered_json& json, int indent) {
    return json.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace duet::tools
