#include "study_record.hpp"

#include <nlohmann/json.hpp>

#include <duet/data/file.hpp>
#include <duet/graph/error.hpp>

#include "run_folder.hpp"
#include "shared_lock.hpp"

namespace duet::tools {

namespace fs = std::filesystem;

namespace {

constexpr const char* record_file = "study.json";
constexpr std::uint64_t most_bytes = 1 << 20;

std::string text_in(const nlohmann::json& json, const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

std::optional<StudyRecord> read_record(const fs::path& out, const Study& study, const StudyRun& run) {
    const fs::path path = out / run.name / record_file;
    std::error_code error;
    if (!fs::exists(path, error)) return std::nullopt;
    Bytes contents;
    try {
        contents = read_file(path, most_bytes);
    } catch (const FileError&) {
        return std::nullopt;  // another process takes it away
    }
    const nlohmann::json json = nlohmann::json::parse(contents.begin(), contents.end(), nullptr, false);
    if (!json.is_object()) return std::nullopt;
    StudyRecord record{text_in(json, "asked"), text_in(json, "failure")};
    const bool whole = !record.failure.empty() || fs::exists(out / run.name / evaluation_file, error);
    return whole && record.asked == study.asked(run) ? std::optional(std::move(record)) : std::nullopt;
}

void write_record(const fs::path& out, const StudyRun& run, const StudyRecord& record) {
    nlohmann::ordered_json json = {{"asked", record.asked}};
    if (!record.failure.empty()) json["failure"] = record.failure;
    write_file_atomically(out / run.name / record_file,
                          json.dump(4, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

void forget_failure(const fs::path& out, const Study& study, const StudyRun& run) {
    const auto failed = [&] {
        const auto record = read_record(out, study, run);
        return record && !record->failure.empty();
    };
    if (!failed()) return;
    const std::optional<SharedLock> lock = SharedLock::take(mark_of(out / run.name));
    std::error_code ignored;
    if (lock && failed()) fs::remove(out / run.name / record_file, ignored);
}

}  // namespace duet::tools
