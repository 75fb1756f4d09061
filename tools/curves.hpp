#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "chart.hpp"
#include "metrics_table.hpp"

namespace duet::tools {

/// A run whose metrics are drawn, and what it is called.
struct PlottedRun {
    std::string name;
    MetricsTable metrics;
};

/// The most curves of a chart.
inline constexpr std::size_t most_curves = 40;

/// The metrics of runs over the steps; without names all losses of each, those called "<phase>_loss". Where
/// `smooth` is above one, the mean of so many rows around each stands out before the values themselves; zero
/// stands for a fiftieth of a run's rows, if it has more than 400. Throws Error if a run has no column "step"
/// or none of a name, naming what was likely meant, and above most_curves.
Chart chart_of(std::span<const PlottedRun> runs, const std::vector<std::string>& metrics = {},
               std::size_t smooth = 0);

/// The losses of one run as a picture.
Image curves_of(const MetricsTable& metrics, const std::string& run);

}  // namespace duet::tools
