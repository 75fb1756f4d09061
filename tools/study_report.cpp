#include "study_report.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "provenance.hpp"
#include "status_line.hpp"

namespace duet::tools {

namespace {

using Row = std::vector<std::string>;

constexpr const char* plus_minus = "\u00b1";

const std::string& metric_name(const Study& study, std::size_t metric) {
    return std::get<std::string>(study.metrics[metric].is);
}

std::string text_of(const models::Spread& spread) {
    if (spread.n == 0) return "-";
    if (std::isnan(spread.standard_error)) return fmt::format("{:.4g}", spread.mean);
    return fmt::format("{:.4g} {} {:.2g} [{:.4g}, {:.4g}]", spread.mean, plus_minus, spread.standard_error,
                       spread.low, spread.high);
}

std::string runs_text(const StudyCell& cell) {
    return cell.left == 0 ? std::to_string(cell.finished)
                          : fmt::format("{} of {}", cell.finished, cell.finished + cell.failed + cell.left);
}

std::vector<Row> rows_of(const Study& study, const StudyResults& results) {
    Row head = {"recipe"};
    for (const StudyData& data : study.data) {
        for (std::size_t k = 0; k < study.metrics.size(); ++k)
            head.push_back(fmt::format("{} {}", data.name, metric_name(study, k)));
        for (const char* column : {"runs", "failed", "time"})
            head.push_back(fmt::format("{} {}", data.name, column));
    }
    std::vector<Row> rows = {head};
    for (std::size_t i = 0; i < study.recipes.size(); ++i) {
        Row row = {study.recipes[i].name};
        for (const std::optional<StudyCell>& cell : results.cells[i]) {
            if (!cell) {
                row.resize(row.size() + study.metrics.size() + 3);
                continue;
            }
            for (const models::Spread& spread : cell->metrics) row.push_back(text_of(spread));
            row.push_back(runs_text(*cell));
            row.push_back(std::to_string(cell->failed));
            row.push_back(cell->finished == 0 ? "-" : clock_text(cell->seconds));
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

/// Letters, of which some have more than one byte.
std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char letter) { return (letter & 0xc0) != 0x80; }));
}

std::string padded(const std::vector<Row>& rows) {
    std::vector<std::size_t> widths(rows.front().size());
    for (const Row& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
    std::string text;
    for (const Row& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i)
            line += row[i] + std::string(widths[i] - width_of(row[i]) + 2, ' ');
        text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    return text;
}

std::string piped(const std::vector<Row>& rows) {
    std::string text;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        text += fmt::format("| {} |\n", fmt::join(rows[i], " | "));
        if (i > 0) continue;
        for (std::size_t k = 0; k < rows[i].size(); ++k) text += "|---";
        text += "|\n";
    }
    return text;
}

std::vector<std::string> differences_of(const Study& study, const StudyResults& results) {
    std::vector<std::string> lines;
    for (const StudyDifference& each : results.differences)
        lines.push_back(fmt::format("{}, {}: {} is lower than {}, by {:.3g} {} {:.2g}",
                                    study.data[each.data].name, metric_name(study, each.metric),
                                    study.recipes[each.lower].name, study.recipes[each.higher].name,
                                    each.difference, plus_minus, each.error));
    return lines;
}

std::string list_of(const std::vector<std::string>& lines, const char* mark) {
    std::string text;
    for (const std::string& line : lines) text += fmt::format("{}{}\n", mark, line);
    return text;
}

constexpr const char* claimed =
    "Pairs that differ by more than two combined standard errors; of no other pair is anything claimed";

std::string left_text(const StudyResults& results) {
    return results.left == 0 ? ""
                             : fmt::format("Runs left: {}. What they bring is not in it.\n", results.left);
}

}  // namespace

std::string study_text(const Study& study, const StudyResults& results) {
    std::string text = padded(rows_of(study, results)) + "\n";
    const std::vector<std::string> differences = differences_of(study, results);
    text += differences.empty() ? "No pair differs by more than two combined standard errors.\n"
                                : fmt::format("{}:\n{}", claimed, list_of(differences, "  "));
    if (!results.failures.empty()) text += "Failed:\n" + list_of(results.failures, "  ");
    return text + left_text(results);
}

std::string study_markdown(const Study& study, const StudyResults& results, const std::string& command) {
    std::string text = fmt::format("# The study {}\n\n", study.name());
    if (results.left > 0) text += left_text(results) + "\n";
    text += piped(rows_of(study, results));
    text += fmt::format(
        "\nThe mean over the runs that finished {} its standard error and, in brackets, its 95 % interval, "
        "both\nfrom the spread between seeds (Student's t with one degree of freedom less than runs); the "
        "mean time of a\ntraining. Each run was judged by {} images.\n\n",
        plus_minus, study.count);
    const std::vector<std::string> differences = differences_of(study, results);
    text += differences.empty() ? "No pair differs by more than two combined standard errors.\n"
                                : fmt::format("{}:\n\n{}", claimed, list_of(differences, "- "));
    if (!results.failures.empty()) text += "\nFailed:\n\n" + list_of(results.failures, "- ");
    text += "\nThe recipes:\n\n";
    for (const StudyRecipe& recipe : study.recipes) {
        Row words = {"duet", "train"};
        for (const std::string& word : recipe.words) words.push_back(quoted_for_shell(word));
        text += fmt::format("- {}: `{}`, seed{}\n", recipe.name, fmt::join(words, " "),
                            recipe.seeds == 1 ? " 0" : fmt::format("s 0 to {}", recipe.seeds - 1));
    }
    text += "\nThe data, and the network that they are judged by:\n\n";
    for (std::size_t i = 0; i < study.data.size(); ++i)
        text += fmt::format("- {}: {}{}{}\n", study.data[i].name, study.data[i].path,
                            results.networks[i].empty() ? "" : " @ ", fmt::join(results.networks[i], ", "));
    return text + fmt::format("\nMade by Duet {} with `{}`.\n", fmt::join(results.sources, " and "), command);
}

}  // namespace duet::tools
