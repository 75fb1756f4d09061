#include "study_results.hpp"

#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <duet/data/file.hpp>
#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>

#include "json_file.hpp"
#include "provenance.hpp"
#include "status_line.hpp"
#include "study_record.hpp"

namespace duet::tools {

namespace fs = std::filesystem;

namespace {

const std::string& name_of(const Value& metric) {
    return std::get<std::string>(metric.is);
}

/// The results of a cell's runs, as far as they are there.
struct Gathered {
    StudyCell cell;
    std::vector<RunResult> results;
};

/// A metric that some of the runs have not, or that is no number there, has no mean.
models::Spread spread_of(const std::vector<RunResult>& results, const std::string& metric) {
    std::vector<double> values;
    for (const RunResult& result : results) {
        const auto found = result.scores.find(metric);
        values.push_back(found == result.scores.end() ? std::numeric_limits<double>::quiet_NaN()
                                                      : found->second);
    }
    return models::spread_of(values);
}

StudyCell summed_up(Gathered gathered, const std::vector<Value>& metrics) {
    StudyCell& cell = gathered.cell;
    cell.finished = gathered.results.size();
    for (const RunResult& result : gathered.results)
        cell.seconds += result.seconds / static_cast<double>(cell.finished);
    for (const Value& metric : metrics) cell.metrics.push_back(spread_of(gathered.results, name_of(metric)));
    return cell;
}

void check_metrics(const Study& study, const std::map<std::string, double>& known) {
    if (known.empty()) return;
    std::vector<std::string> names;
    for (const auto& [name, value] : known) names.push_back(name);
    for (std::size_t i = 0; i < study.metrics.size(); ++i) {
        const Value& metric = study.metrics[i];
        if (known.count(name_of(metric)) > 0) continue;
        const std::string meant = nearest(name_of(metric), names);
        throw Error(fmt::format("{}: metrics.{}: no evaluation has {}; {}", metric.from, i,
                                value_for_message(metric),
                                meant.empty() ? fmt::format("there are {}", fmt::join(names, ", "))
                                              : fmt::format("did you mean \"{}\"?", meant)));
    }
}

/// Of one data set and metric. A comparison with NaN, of fewer than two runs, is false.
void add_differences(StudyResults& results, std::size_t data, std::size_t metric) {
    constexpr double least_errors = 2;
    for (std::size_t lower = 0; lower < results.cells.size(); ++lower)
        for (std::size_t higher = 0; higher < results.cells.size(); ++higher) {
            const auto &a = results.cells[lower][data], &b = results.cells[higher][data];
            if (!a || !b) continue;
            const models::Spread &low = a->metrics[metric], &high = b->metrics[metric];
            const double difference = high.mean - low.mean,
                         error = std::hypot(low.standard_error, high.standard_error);
            if (difference > 0 && difference > least_errors * error)
                results.differences.push_back({data, metric, lower, higher, difference, error});
        }
}

}  // namespace

RunResult read_result(const fs::path& run) {
    RunResult result;
    const nlohmann::json evaluation = read_json(run / evaluation_file, "duet evaluate");
    for (const auto& [name, score] : evaluation.items()) {
        if (name == "network") result.network = score.is_string() ? score.get<std::string>() : "";
        if (!score.is_object() || !score.contains("value")) continue;
        const auto& value = score["value"];
        result.scores[name] =
            value.is_number() ? value.get<double>() : std::numeric_limits<double>::quiet_NaN();
    }
    const nlohmann::json json = read_provenance(run);
    result.source = fmt::format("{} ({})", text_in(json, "version"), text_in(json, "commit"));
    if (const auto seconds = json.find("seconds"); seconds != json.end() && seconds->is_number())
        result.seconds = seconds->get<double>();
    return result;
}

std::string line_of(const RunResult& result, const std::vector<Value>& metrics) {
    std::string line;
    for (const Value& metric : metrics) {
        const auto found = result.scores.find(name_of(metric));
        line += (line.empty() ? "" : ", ") + (found == result.scores.end()
                                                  ? fmt::format("no {}", name_of(metric))
                                                  : fmt::format("{} {:.4g}", found->first, found->second));
    }
    return fmt::format("{} in {}", line, clock_text(result.seconds));
}

StudyResults results_of(const Study& study, const fs::path& out) {
    StudyResults results;
    std::vector<std::vector<Gathered>> gathered(study.recipes.size());
    for (auto& row : gathered) row.resize(study.data.size());
    results.networks.resize(study.data.size());
    std::map<std::string, double> known;
    for (const StudyRun& run : study.runs) {
        Gathered& into = gathered[run.recipe][run.data];
        const std::optional<StudyRecord> record = read_record(out, study, run);
        if (!record) {
            ++into.cell.left;
            ++results.left;
        } else if (!record->failure.empty()) {
            ++into.cell.failed;
            results.failures.push_back(fmt::format("{}: {}", run.name, record->failure));
        } else {
            into.results.push_back(read_result(out / run.name));
            const RunResult& result = into.results.back();
            results.sources.insert(result.source);
            results.networks[run.data].insert(result.network);
            known.insert(result.scores.begin(), result.scores.end());
        }
    }
    check_metrics(study, known);
    results.cells.resize(study.recipes.size());
    for (std::size_t i = 0; i < study.recipes.size(); ++i) {
        results.cells[i].resize(study.data.size());
        for (const std::size_t data : study.recipes[i].data)
            results.cells[i][data] = summed_up(std::move(gathered[i][data]), study.metrics);
    }
    for (std::size_t data = 0; data < study.data.size(); ++data)
        for (std::size_t metric = 0; metric < study.metrics.size(); ++metric)
            add_differences(results, data, metric);
    return results;
}

}  // namespace duet::tools
