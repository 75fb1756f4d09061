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

/// A sum and how many terms it has.
struct Sum {
    double sum = 0;
    std::size_t terms = 0;

    void add(double value) {
        if (!std::isfinite(value)) return;
        sum += value;
        ++terms;
    }
};

/// The mean of the finite ones among `count` values around each; a gap stays one. Nothing is subtracted, so
/// one huge value spoils no mean that it is not in: in blocks of `count`, a window is the end of one and the
/// start of the next.
std::vector<double> smoothed(const std::vector<double>& values, std::size_t count) {
    const std::size_t size = values.size();
    std::vector<Sum> from_start(size), to_end(size);
    for (std::size_t i = 0; i < size; ++i) {
        if (i % count != 0) from_start[i] = from_start[i - 1];
        from_start[i].add(values[i]);
    }
    for (std::size_t i = size; i-- > 0;) {
        if (i + 1 < size && (i + 1) % count != 0) to_end[i] = to_end[i + 1];
        to_end[i].add(values[i]);
    }
    std::vector<double> means(size, std::numeric_limits<double>::quiet_NaN());
    for (std::size_t i = 0; i < size; ++i) {
        if (!std::isfinite(values[i])) continue;
        const std::size_t first = i - std::min(i, (count - 1) / 2), last = std::min(size - 1, i + count / 2);
        Sum sum = first % count == 0 ? Sum{} : to_end[first];
        if (first % count == 0 || first / count != last / count) {
            sum.sum += from_start[last].sum;
            sum.terms += from_start[last].terms;
        }
        means[i] = sum.sum / static_cast<double>(sum.terms);
    }
    return means;
}

/// How many rows are taken together where nobody says.
std::size_t usual_smooth(std::size_t rows) {
    constexpr std::size_t few = 400, part = 50;
    return rows <= few ? 1 : rows / part;
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
    if (smooth == 0) smooth = usual_smooth(run.metrics.rows());
    if (smooth > 1) {
        Curve values = curve;
        values.name.clear();
        values.opacity = behind;
        chart.curves.push_back(std::move(values));
        curve.y = smoothed(curve.y, smooth);
        curve.spans = false;
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
