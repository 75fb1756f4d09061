#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace duet::tools {

/// What a training measured, as metrics.csv holds it: a column a metric, a row a logged step.
struct MetricsTable {
    std::vector<std::string> names;
    std::vector<std::vector<double>> columns;  ///< beside the names, all of one length

    std::size_t rows() const { return columns.empty() ? 0 : columns.front().size(); }
    /// The column of that name, or null.
    const std::vector<double>* find(std::string_view name) const;
};

/// The largest metrics.csv that is read, in bytes, and the most columns of one.
inline constexpr std::uint64_t max_metrics_bytes = std::uint64_t{1} << 28;
inline constexpr std::size_t max_metrics_columns = 1000;

/// Reads lines of numbers with commas between them below a line of names: decimal ones, nan, inf; NaN where
/// there is nothing. A last line without its end is still being written and left out. Throws FileError,
/// naming `origin` and line, for what is none of this, for names that are empty, double, longer than 100
/// letters or not printable ASCII, for rows of another length, and above the limits.
MetricsTable parse_metrics(std::string_view text, std::string_view origin);

/// The same of a file.
MetricsTable read_metrics(const std::filesystem::path& path);

/// A text as a field of comma-separated lines, in quotes where it needs them.
std::string csv_field(const std::string& text);

}  // namespace duet::tools
