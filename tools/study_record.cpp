#include "study_record.hpp"

#include <nlohmann/json.hpp>

#include <duet/data/file.hpp>
#include <duet/graph/error.hpp>

#include "json_file.hpp"
#include "run_folder.hpp"
#include "shared_lock.hpp"

namespace duet::tools {

namespace fs = std::filesystem;

namespace {

constexpr const char* record_file = "study.json";

}  // namespace

std::optional<StudyRecord> read_record(const fs::path& out, const Study& study, const StudyRun& run) {
    const fs::path path = out / run.name / record_file;
    std::error_code error;
    if (!fs::exists(path, error)) return std::nullopt;
    StudyRecord record;
    try {
        const nlohmann::json json = read_json(path, "duet study");
        record = {text_in(json, "asked"), text_in(json, "failure")};
    } catch (const FileError&) {
        return std::nullopt;  // another process takes it away, or it is damaged
    }
    const bool whole = !record.failure.empty() || fs::exists(out / run.name / evaluation_file, error);
    return whole && record.asked == study.asked(run) ? std::optional(std::move(record)) : std::nullopt;
}

void write_record(const fs::path& out, const StudyRun& run, const StudyRecord& record) {
    nlohmann::ordered_json json = {{"asked", record.asked}};
    if (!record.failure.empty()) json["failure"] = record.failure;
    write_file_atomically(out / run.name / record_file, json_text(json, 4) + "\n");
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
