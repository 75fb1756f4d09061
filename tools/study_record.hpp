#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "study.hpp"

namespace duet::tools {

/// What a study notes in the folder of a run that it need not look at again, in study.json.
struct StudyRecord {
    std::string asked;    ///< Study::asked of the run
    std::string failure;  ///< why it has no result; empty if it has
};

inline constexpr const char* evaluation_file = "evaluation.json";

/// The note on a run; nothing while the run is open: without a note, or one of what is not asked any more.
std::optional<StudyRecord> read_record(const std::filesystem::path& out, const Study& study,
                                       const StudyRun& run);
/// Throws StorageError.
void write_record(const std::filesystem::path& out, const StudyRun& run, const StudyRecord& record);
/// Opens a run that failed, if it did and nobody works on it.
void forget_failure(const std::filesystem::path& out, const Study& study, const StudyRun& run);

}  // namespace duet::tools
