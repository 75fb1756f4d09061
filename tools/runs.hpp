#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace duet::tools {

/// What a run's folder says of it. What cannot be read is empty, and `problem` says why.
struct RunEntry {
    std::filesystem::path path;
    std::string state;  ///< running, finished, interrupted, failed, killed, or unknown
    std::string model, data, started, problem;
    std::uint64_t step = 0, steps = 0;
    double seconds = 0;
    /// The losses in the last row of metrics.csv, and the lowest value of the metric that decides the best
    /// checkpoint, called "best <metric>".
    std::vector<std::pair<std::string, double>> metrics;
};

RunEntry read_run(const std::filesystem::path& run);

/// The folders at and below `folder` that are runs, in the order of their names. Throws FileError if it
/// cannot be listed.
std::vector<std::filesystem::path> find_runs(const std::filesystem::path& folder);

}  // namespace duet::tools
