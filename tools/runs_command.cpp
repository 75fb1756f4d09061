#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <duet/graph/error.hpp>

#include "command.hpp"
#include "commands.hpp"
#include "json_file.hpp"
#include "metrics_table.hpp"
#include "numbers.hpp"
#include "output.hpp"
#include "runs.hpp"
#include "status_line.hpp"

namespace duet::tools {

namespace {

struct RunsArguments {
    std::string folder = "runs";
    std::string sort = "name";
    bool json = false, csv = false;
};

const std::vector<std::string> sort_keys = {"name", "state", "model", "data", "steps", "time", "started"};

/// Orders "run-9" before "run-10".
bool natural_less(const std::string& a, const std::string& b) {
    std::size_t i = 0, j = 0;
    const auto digit = [](char letter) { return letter >= '0' && letter <= '9'; };
    while (i < a.size() && j < b.size()) {
        if (digit(a[i]) && digit(b[j])) {
            const auto run_of = [&](const std::string& text, std::size_t& at) {
                while (at < text.size() && text[at] == '0') ++at;
                const std::size_t begin = at;
                while (at < text.size() && digit(text[at])) ++at;
                return text.substr(begin, at - begin);
            };
            const std::string first = run_of(a, i), second = run_of(b, j);
            if (first.size() != second.size()) return first.size() < second.size();
            if (first != second) return first < second;
        } else {
            if (a[i] != b[j]) return a[i] < b[j];
            ++i;
            ++j;
        }
    }
    return a.size() - i < b.size() - j;
}

void sort_runs(std::vector<RunEntry>& runs, const std::string& key) {
    std::sort(runs.begin(), runs.end(), [](const RunEntry& a, const RunEntry& b) {
        return natural_less(a.path.string(), b.path.string());
    });
    std::stable_sort(runs.begin(), runs.end(), [&](const RunEntry& a, const RunEntry& b) {
        if (key == "state") return a.state < b.state;
        if (key == "model") return a.model < b.model;
        if (key == "data") return a.data < b.data;
        if (key == "steps") return a.step < b.step;
        if (key == "time") return a.seconds < b.seconds;
        if (key == "started") return a.started < b.started;
        return false;
    });
}

/// The names of all metrics, in the order met.
std::vector<std::string> metric_names(const std::vector<RunEntry>& runs) {
    std::vector<std::string> names;
    for (const RunEntry& run : runs)
        for (const auto& [name, value] : run.metrics)
            if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    return names;
}

const double* metric_of(const RunEntry& run, const std::string& name) {
    for (const auto& [known, value] : run.metrics)
        if (known == name) return &value;
    return nullptr;
}

std::string json_of(const std::vector<RunEntry>& runs) {
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const RunEntry& run : runs) {
        nlohmann::ordered_json metrics = nlohmann::ordered_json::object();
        for (const auto& [name, value] : run.metrics) metrics[name] = value;
        nlohmann::ordered_json entry = {
            {"path", run.path.string()}, {"state", run.state},     {"model", run.model},
            {"data", run.data},          {"started", run.started}, {"step", run.step},
            {"steps", run.steps},        {"seconds", run.seconds}, {"metrics", std::move(metrics)}};
        if (!run.problem.empty()) entry["problem"] = run.problem;
        all.push_back(std::move(entry));
    }
    return json_text(all, 2) + "\n";
}

std::string csv_of(const std::vector<RunEntry>& runs) {
    const std::vector<std::string> names = metric_names(runs);
    std::string text = "path,state,model,data,started,step,steps,seconds";
    for (const std::string& name : names) text += "," + csv_field(name);
    text += "\n";
    for (const RunEntry& run : runs) {
        text += fmt::format("{},{},{},{},{},{},{},{}", csv_field(run.path.string()), csv_field(run.state),
                            csv_field(run.model), csv_field(run.data), csv_field(run.started), run.step,
                            run.steps, run.seconds);
        for (const std::string& name : names) {
            const double* value = metric_of(run, name);
            text += value == nullptr ? "," : fmt::format(",{:.9g}", *value);
        }
        text += "\n";
    }
    return text;
}

/// Columns as wide as their widest cell, two spaces apart.
std::string table_of(const std::vector<RunEntry>& runs) {
    const std::vector<std::string> names = metric_names(runs);
    std::vector<std::vector<std::string>> rows = {{"run", "state", "model", "data", "steps", "time"}};
    rows.front().insert(rows.front().end(), names.begin(), names.end());
    for (const RunEntry& run : runs) {
        std::vector<std::string> row = {run.path.string(),
                                        run.state,
                                        run.model,
                                        std::filesystem::path(run.data).filename().string(),
                                        fmt::format("{}/{}", run.step, run.steps),
                                        clock_text(run.seconds)};
        for (const std::string& name : names) {
            const double* value = metric_of(run, name);
            row.push_back(value == nullptr ? "" : fmt::format("{:.4g}", *value));
        }
        rows.push_back(std::move(row));
    }
    std::vector<std::size_t> widths(rows.front().size());
    for (std::vector<std::string>& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) {
            row[i] = one_line(row[i]);
            widths[i] = std::max(widths[i], row[i].size());
        }
    std::string text;
    for (const std::vector<std::string>& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
        text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    for (const RunEntry& run : runs)
        if (!run.problem.empty())
            text += one_line(fmt::format("{}: {}", run.path.string(), run.problem)) + "\n";
    return text;
}

void list_runs(const RunsArguments& arguments) {
    std::vector<RunEntry> runs;
    for (const std::filesystem::path& path : find_runs(arguments.folder)) runs.push_back(read_run(path));
    sort_runs(runs, arguments.sort);
    if (runs.empty() && !arguments.json && !arguments.csv) {
        fmt::print("no runs in {}\n", arguments.folder);
        return;
    }
    fmt::print("{}", arguments.json ? json_of(runs) : arguments.csv ? csv_of(runs) : table_of(runs));
}

}  // namespace

void add_runs_command(CLI::App& app) {
    Command command(app, "runs", "List the runs in a folder, what they are and how they stand.");
    auto arguments = std::make_shared<RunsArguments>();
    command.option("folder", arguments->folder, "Where they are, at any depth (default: runs)")
        .takes("DIR", any_text());
    command.option("--sort", arguments->sort, "By what: name, state, model, data, steps, time or started")
        .takes("KEY", one_of(sort_keys))
        .with_default();
    const Option json = command.flag("--json", arguments->json, "Print JSON");
    command.flag("--csv", arguments->csv, "Print CSV").excludes(json);
    command.footer(
        "A run is running, finished, interrupted, failed, or killed: begun and not ended, with\n"
        "nobody at work on it. `duet train` with a run's recipe.toml and --out goes on with it.");
    command.runs([arguments] { list_runs(*arguments); });
}

}  // namespace duet::tools
