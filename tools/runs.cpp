#include "runs.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <duet/data/file.hpp>
#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>

#include "json_file.hpp"
#include "metrics_table.hpp"
#include "output.hpp"
#include "provenance.hpp"
#include "run_folder.hpp"

namespace duet::tools {

namespace fs = std::filesystem;

namespace {

/// The number where it is a duration, and the one before where it is not.
double duration_or(double before, double seconds) {
    return std::isfinite(seconds) && seconds >= 0 ? seconds : before;
}

std::uint64_t count_or(std::uint64_t before, double number) {
    constexpr double beyond = 0x1p64;
    return number >= 0 && number < beyond ? static_cast<std::uint64_t>(number) : before;
}

template <class T>
const T* value_in(const Spec& recipe, const char* path) {
    const Value* value = recipe.find(path);
    return value == nullptr ? nullptr : std::get_if<T>(&value->is);
}

void add_recipe(const fs::path& run, RunEntry& entry, std::string& best) {
    const Spec recipe = read_toml(run / "recipe.toml");
    if (const auto* model = value_in<std::string>(recipe, "model")) entry.model = one_line(*model);
    if (const auto* data = value_in<std::string>(recipe, "data.path")) entry.data = one_line(*data);
    if (const auto* steps = value_in<std::int64_t>(recipe, "steps"); steps != nullptr && *steps > 0)
        entry.steps = static_cast<std::uint64_t>(*steps);
    if (const auto* name = value_in<std::string>(recipe, "output.best")) best = *name;
}

void add_metrics(const fs::path& run, RunEntry& entry, const std::string& best) {
    std::error_code error;
    if (!fs::exists(run / "metrics.csv", error) || fs::is_empty(run / "metrics.csv", error)) return;
    const MetricsTable table = read_metrics(run / "metrics.csv");
    if (table.rows() == 0) return;
    for (std::size_t i = 0; i < table.names.size(); ++i) {
        const std::vector<double>& column = table.columns[i];
        if (table.names[i] == "step") entry.step = count_or(entry.step, column.back());
        if (table.names[i] == "seconds") entry.seconds = duration_or(entry.seconds, column.back());
        if (table.names[i].ends_with("_loss")) entry.metrics.emplace_back(table.names[i], column.back());
    }
    if (const std::vector<double>* column = best.empty() ? nullptr : table.find(best))
        entry.metrics.emplace_back("best " + best,
                                   std::accumulate(column->begin(), column->end(), column->back(),
                                                   [](double a, double b) { return std::fmin(a, b); }));
}

}  // namespace

RunEntry read_run(const fs::path& run) {
    RunEntry entry;
    entry.path = run;
    std::string best;
    const auto attempt = [&](auto&& action) {
        try {
            action();
        } catch (const Error& error) {
            if (entry.problem.empty()) entry.problem = error.what();
        }
    };
    attempt([&] { add_recipe(run, entry, best); });
    attempt([&] { add_metrics(run, entry, best); });
    attempt([&] {
        const nlohmann::json json = read_provenance(run);
        entry.started = one_line(text_in(json, "started"));
        entry.state = one_line(text_in(json, "state"));
        if (const auto steps = json.find("steps"); steps != json.end() && steps->is_number_unsigned())
            entry.step = steps->get<std::uint64_t>();
        if (const auto seconds = json.find("seconds"); seconds != json.end() && seconds->is_number())
            entry.seconds = duration_or(entry.seconds, seconds->get<double>());
    });
    if (entry.state.empty()) entry.state = "unknown";
    if (is_running(run))
        entry.state = "running";
    else if (entry.state == "running")
        entry.state = "killed";
    return entry;
}

std::vector<fs::path> find_runs(const fs::path& folder) {
    if (is_run(folder)) return {folder};
    std::error_code error;
    fs::recursive_directory_iterator entries(folder, fs::directory_options::skip_permission_denied, error);
    if (error) throw FileError(fmt::format("cannot list {}: {}", folder.string(), error.message()));
    std::vector<fs::path> runs;
    for (const fs::recursive_directory_iterator end; entries != end; entries.increment(error)) {
        if (error) throw FileError(fmt::format("cannot list {}: {}", folder.string(), error.message()));
        if (!entries->is_directory(error) || !is_run(entries->path())) continue;
        runs.push_back(entries->path());
        entries.disable_recursion_pending();
    }
    std::sort(runs.begin(), runs.end());
    return runs;
}

}  // namespace duet::tools
