#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <duet/models/metrics/spread.hpp>

#include "study.hpp"

namespace duet::tools {

/// What came of one run: its evaluation.json and run.json.
struct RunResult {
    std::map<std::string, double> scores;  ///< NaN of what is no number
    std::string network;                   ///< hash of what its images were judged by
    std::string source;                    ///< "0.1.0 (0bcdb60)": version and commit that trained it
    double seconds = 0;                    ///< of training
};

/// Throws FileError if a file is missing or none that `duet` writes.
RunResult read_result(const std::filesystem::path& run);
/// "fid 12.3, kid 0.01 in 0:45".
std::string line_of(const RunResult& result, const std::vector<Value>& metrics);

/// The runs of a recipe on a data set.
struct StudyCell {
    std::size_t finished = 0, failed = 0, left = 0;
    double seconds = 0;                   ///< of a training, the mean
    std::vector<models::Spread> metrics;  ///< beside the study's, over the runs that are finished
};

/// Two recipes whose means differ by more than two of their combined standard errors, the lower one first.
struct StudyDifference {
    std::size_t data, metric, lower, higher;
    double difference, error;
};

/// All that a study has found out so far.
struct StudyResults {
    std::vector<std::vector<std::optional<StudyCell>>> cells;  ///< [recipe][data set]; none where not asked
    std::vector<StudyDifference> differences;
    std::vector<std::string> failures;  ///< "<run>: <message>"
    std::set<std::string> sources;
    std::vector<std::set<std::string>> networks;  ///< beside the data sets
    std::size_t left = 0;
};

/// Throws Error, naming the line and what there is, for a metric that no run has.
StudyResults results_of(const Study& study, const std::filesystem::path& out);

}  // namespace duet::tools
