#include "metrics_table.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include <duet/data/file.hpp>
#include <duet/graph/error.hpp>

namespace duet::tools {

namespace {

constexpr std::size_t most_name_letters = 100;

/// Where a text is read, line by line and cell by cell.
class Lines {
 public:
    Lines(std::string_view text, std::string_view origin) : text_(text), origin_(origin) {}

    /// Goes to the next line that has its end; false if there is none.
    bool next() {
        const std::size_t end = text_.find('\n');
        if (end == std::string_view::npos) return false;
        line_ = text_.substr(0, end);
        if (line_.ends_with('\r')) line_.remove_suffix(1);
        text_.remove_prefix(end + 1);
        ++number_;
        return true;
    }
    bool empty() const { return line_.empty(); }
    std::size_t cells() const {
        return 1 + static_cast<std::size_t>(std::count(line_.begin(), line_.end(), ','));
    }
    std::string_view cell() {
        const std::size_t end = std::min(line_.find(','), line_.size());
        const std::string_view cell = line_.substr(0, end);
        line_.remove_prefix(std::min(end + 1, line_.size()));
        return cell;
    }
    [[noreturn]] void fail(const std::string& what) const {
        throw FileError(fmt::format("{}:{}: {}", origin_, number_, what));
    }

 private:
    std::string_view text_, line_, origin_;
    std::size_t number_ = 0;
};

double number_of(std::string_view cell, const Lines& lines) {
    if (cell.empty()) return std::numeric_limits<double>::quiet_NaN();
    double number = 0;
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
    if (end != cell.data() + cell.size() || error == std::errc::invalid_argument)
        lines.fail(fmt::format("{} is not a number", quoted_for_message(cell)));
    // Out of range: too small is zero, too large is not finite.
    if (error != std::errc()) return cell.find("e-") != std::string_view::npos ? 0 : HUGE_VAL;
    return number;
}

void add_name(MetricsTable& table, std::string_view name, const Lines& lines) {
    const bool printable =
        std::all_of(name.begin(), name.end(), [](char letter) { return letter >= ' ' && letter <= '~'; });
    if (name.empty() || name.size() > most_name_letters || !printable)
        lines.fail(fmt::format("{} is no name of a column: 1 to {} printable letters are",
                               quoted_for_message(name), most_name_letters));
    if (table.find(name) != nullptr)
        lines.fail(fmt::format("two columns are called {}", quoted_for_message(name)));
    table.names.emplace_back(name);
    table.columns.emplace_back();
}

}  // namespace

const std::vector<double>* MetricsTable::find(std::string_view name) const {
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? nullptr : &columns[static_cast<std::size_t>(found - names.begin())];
}

MetricsTable parse_metrics(std::string_view text, std::string_view origin) {
    Lines lines(text, origin);
    MetricsTable table;
    if (!lines.next()) throw FileError(fmt::format("{}: no line with the names of metrics", origin));
    const std::size_t columns = lines.cells();
    if (columns > max_metrics_columns)
        lines.fail(fmt::format("{} columns, expected at most {}", columns, max_metrics_columns));
    for (std::size_t i = 0; i < columns; ++i) add_name(table, lines.cell(), lines);
    while (lines.next()) {
        if (lines.empty() && columns > 1) continue;
        if (lines.cells() != columns)
            lines.fail(
                fmt::format("{} numbers, expected {} as the first line has names", lines.cells(), columns));
        for (std::vector<double>& column : table.columns) column.push_back(number_of(lines.cell(), lines));
    }
    return table;
}

MetricsTable read_metrics(const std::filesystem::path& path) {
    const Bytes bytes = read_file(path, max_metrics_bytes);
    return parse_metrics({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string());
}

std::string csv_field(const std::string& text) {
    if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
    std::string quoted = "\"";
    for (const char letter : text) quoted += letter == '"' ? std::string("\"\"") : std::string(1, letter);
    return quoted + "\"";
}

}  // namespace duet::tools
