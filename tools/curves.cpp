#include "curves.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <duet/data/file.hpp>
#include <duet/data/spec.hpp>
#include <duet/graph/error.hpp>

namespace duet::tools {

namespace {

constexpr std::string_view loss_suffix = "_loss";
constexpr double behind = 0.3;

/// The mean of the finite ones among `count` values around each; a gap stays one.
std::vector<double> smoothed(const std::vector<double>& values, std::size_t count) {
    std::vector<double> means(values.size(), std::numeric_limits<double>::quiet_NaN());
    double sum = 0;
    std::size_t terms = 0, first = 0, last = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::size_t from = i - std::min(i, (count - 1) / 2),
                          to = i + std::min(values.size() - i, count / 2 + 1);
        for (; last < to; ++last)
            if (std::isfinite(values[last])) sum += values[last], ++terms;
        for (; first < from; ++first)
            if (std::isfinite(values[first])) sum -= values[first], --terms;
        if (std::isfinite(values[i])) means[i] = sum / static_cast<double>(terms);
    }
    return means;
}

std::vector<std::string> losses_of(const PlottedRun& run) {
    std::vector<std::string> losses;
    std::copy_if(run.metrics.names.begin(), run.metrics.names.end(), std::back_inserter(losses),
                 [](const std::string& name) { return name.ends_with(loss_suffix); });
    if (losses.empty())
        throw Error(fmt::format("{}: none of its metrics is a loss; there are {}", run.name,
                                fmt::join(run.metrics.names, ", ")));
    return losses;
}

const std::vector<double>& column(const PlottedRun& run, const std::string& name) {
    if (const std::vector<double>* found = run.metrics.find(name)) return *found;
    const std::string meant = nearest(name, run.metrics.names);
    throw Error(fmt::format("{}: no metric is called {}; {}", run.name, quoted_for_message(name),
                            meant.empty() ? fmt::format("there are {}", fmt::join(run.metrics.names, ", "))
                                          : fmt::format("did you mean {}?", meant)));
}

void add_curves(Chart& chart, const PlottedRun& run, const std::string& metric, std::string name,
                std::size_t smooth, std::size_t number) {
    if (number >= most_curves)
        throw Error(fmt::format("a chart has at most {} curves: choose fewer runs or metrics", most_curves));
    Curve curve{std::move(name), column(run, "step"), column(run, metric), curve_color(number)};
    if (smooth > 1) {
        Curve values = curve;
        values.name.clear();
        values.opacity = behind;
        chart.curves.push_back(std::move(values));
        curve.y = smoothed(curve.y, smooth);
    }
    chart.curves.push_back(std::move(curve));
}

}  // namespace

Chart chart_of(std::span<const PlottedRun> runs, const std::vector<std::string>& metrics,
               std::size_t smooth) {
    Chart chart{{}, "step", "loss", {}};
    std::size_t number = 0;
    for (const PlottedRun& run : runs)
        for (const std::string& metric : metrics.empty() ? losses_of(run) : metrics) {
            std::string name = runs.size() == 1      ? metric
                               : metrics.size() == 1 ? run.name
                                                     : fmt::format("{} {}", run.name, metric);
            add_curves(chart, run, metric, std::move(name), smooth, number++);
        }
    if (runs.size() == 1) chart.title = runs.front().name;
    const bool losses = std::all_of(metrics.begin(), metrics.end(),
                                    [](const std::string& name) { return name.ends_with(loss_suffix); });
    if (metrics.size() == 1)
        chart.y_label = metrics.front();
    else if (!losses)
        chart.y_label = "value";
    return chart;
}

Image curves_of(const MetricsTable& metrics, const std::string& run) {
    const PlottedRun plotted{run, metrics};
    return chart_picture(chart_of({&plotted, 1}));
}

}  // namespace duet::tools
