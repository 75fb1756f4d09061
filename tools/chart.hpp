#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "canvas.hpp"

namespace duet::tools {

/// One line of a chart. Where y is not finite it has a gap.
struct Curve {
    std::string name;  ///< in the legend; without one the curve is not in it
    std::vector<double> x, y;
    Color color{};
    double opacity = 1;  ///< where it is below one, other curves are drawn over it
    bool spans = true;   ///< whether the vertical axis takes it in
};

/// Curves over one pair of axes.
struct Chart {
    std::string title, x_label, y_label;
    std::vector<Curve> curves;
};

/// The n-th of ten colours that are told apart, then the first again.
Color curve_color(std::size_t n);

/// The round numbers, 1, 2 or 5 times a power of ten apart, from `low` to `high`: at most `most` of them, at
/// least 2; none if the ends are not finite or not in order.
std::vector<double> round_ticks(double low, double high, std::size_t most);

/// A tick as text, with the digits that tell it from one `step` away: "0.25", "20", "150k", "2M", "1e-12".
std::string tick_text(double tick, double step);

/// The size of a chart, in pixels: the height depends on how many lines the legend takes.
inline constexpr std::size_t chart_width = 960;
std::size_t chart_height(const Chart& chart);

/// Draws title, legend, axes with ticks at round numbers, and curves on a canvas of that size. The vertical
/// axis takes in all that is finite but for a few values, at most one in a hundred, that are far off; curves
/// leave it there.
void draw(const Chart& chart, Canvas& canvas);

/// The same as a picture, and as an SVG document.
Image chart_picture(const Chart& chart);
std::string chart_svg(const Chart& chart);

}  // namespace duet::tools
