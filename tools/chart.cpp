#include "chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace duet::tools {

namespace {

constexpr Color ink = {40, 40, 40}, pale = {225, 225, 225};
constexpr double margin = 16, line_height = 24, plot_height = 440, left_margin = 112, right_margin = 28,
                 tick_space = 10, below_plot = 70, swatch = 28;
constexpr double curve_width = 2, axis_width = 1;

/// The rectangle of pixels that curves are drawn in, and the values at its sides.
struct Plot {
    double left, right, top, bottom;
    double x_low, x_high, y_low, y_high;

    Point place(double x, double y) const {
        return {left + (x - x_low) / (x_high - x_low) * (right - left),
                bottom - (y - y_low) / (y_high - y_low) * (bottom - top)};
    }
};

using Range = std::pair<double, double>;

Range widened(Range range, double share) {
    if (!(range.first <= range.second)) return {0, 1};
    double more = share * (range.second - range.first);
    if (more == 0 || !std::isfinite(more)) more = range.first == 0 ? 1 : std::abs(range.first) / 2;
    return {range.first - more, range.second + more};
}

/// From the first x to the last; from zero where the first is close to it, as the first logged step is.
Range x_range(const Chart& chart) {
    constexpr double near_zero = 0.1;
    Range range{HUGE_VAL, -HUGE_VAL};
    for (const Curve& curve : chart.curves)
        for (const double x : curve.x)
            if (std::isfinite(x)) range = {std::min(range.first, x), std::max(range.second, x)};
    if (range.first > 0 && range.first <= near_zero * range.second) range.first = 0;
    return range.first < range.second ? range : widened(range, 0);
}

/// Of all finite values; of all but the outermost where those are far off.
Range y_range(const Chart& chart) {
    constexpr std::size_t one_in = 200;
    constexpr double far = 3, space = 0.05;
    std::vector<double> values;
    for (const Curve& curve : chart.curves)
        if (curve.spans)
            std::copy_if(curve.y.begin(), curve.y.end(), std::back_inserter(values),
                         [](double y) { return std::isfinite(y); });
    if (values.empty()) return {0, 1};
    std::sort(values.begin(), values.end());
    const std::size_t cut = values.size() / one_in;
    const Range all{values.front(), values.back()}, most{values[cut], values[values.size() - 1 - cut]};
    const double height = most.second - most.first;
    const bool outliers = height > 0 && !(all.second - all.first <= far * height);
    return widened(outliers ? most : all, space);
}

/// The part of a segment that lies between two heights; false if none does.
bool clip(Point& from, Point& to, double top, double bottom) {
    if (std::max(from.y, to.y) < top || std::min(from.y, to.y) > bottom) return false;
    const auto cut = [&](Point& outside, const Point& other, double y) {
        outside = {outside.x + (other.x - outside.x) * (y - outside.y) / (other.y - outside.y), y};
    };
    for (Point* const end : {&from, &to}) {
        const Point& other = end == &from ? to : from;
        if (end->y < top) cut(*end, other, top);
        if (end->y > bottom) cut(*end, other, bottom);
    }
    return true;
}

/// At most four points for each pixel across: first, lowest, highest and last. A gap stays one.
std::vector<Point> thinned(const std::vector<Point>& points) {
    std::vector<Point> kept;
    for (std::size_t i = 0; i < points.size();) {
        const double column = std::floor(points[i].x);
        std::size_t end = i, low = i, high = i;
        for (; end < points.size() && std::floor(points[end].x) == column; ++end) {
            if (points[end].y < points[low].y) low = end;
            if (points[end].y > points[high].y) high = end;
        }
        std::array<std::size_t, 4> chosen = {i, low, high, end - 1};
        std::sort(chosen.begin(), chosen.end());
        const auto different = std::unique(chosen.begin(), chosen.end());
        for (auto at = chosen.begin(); at != different; ++at) kept.push_back(points[*at]);
        i = end;
    }
    return kept;
}

/// Draws what stands between two gaps.
void draw_piece(const std::vector<Point>& piece, const Plot& plot, const Curve& curve, Canvas& canvas) {
    const std::vector<Point> points = thinned(piece);
    std::vector<Point> line;
    const auto flush = [&] {
        if (!line.empty()) canvas.line(line, curve_width, curve.color, curve.opacity);
        line.clear();
    };
    if (points.size() == 1 && points[0].y >= plot.top && points[0].y <= plot.bottom)
        canvas.line(points, 2 * curve_width, curve.color, curve.opacity);
    for (std::size_t i = 1; i < points.size(); ++i) {
        Point from = points[i - 1], to = points[i];
        if (!clip(from, to, plot.top, plot.bottom)) {
            flush();
            continue;
        }
        if (line.empty()) line.push_back(from);
        line.push_back(to);
        if (to.y != points[i].y) flush();
    }
    flush();
}

void draw_curve(const Curve& curve, const Plot& plot, Canvas& canvas) {
    std::vector<Point> piece;
    const std::size_t size = std::min(curve.x.size(), curve.y.size());
    for (std::size_t i = 0; i <= size; ++i) {
        if (i < size && std::isfinite(curve.x[i]) && std::isfinite(curve.y[i])) {
            piece.push_back(plot.place(curve.x[i], curve.y[i]));
            continue;
        }
        if (!piece.empty()) draw_piece(piece, plot, curve, canvas);
        piece.clear();
    }
}

/// The names of the curves behind strokes of their colours, as many in a line as there is room for; returns
/// how many lines they take. Draws nothing without a canvas.
std::size_t draw_legend(const Chart& chart, double top, Canvas* canvas) {
    constexpr double space = 24;
    double x = left_margin;
    std::size_t lines = 0;
    for (const Curve& curve : chart.curves) {
        if (curve.name.empty()) continue;
        const double width = swatch + space + Canvas::letter_advance * static_cast<double>(curve.name.size());
        if (lines == 0 || x + width > chart_width) {
            x = left_margin;
            ++lines;
        }
        if (canvas != nullptr) {
            const double y = top + line_height * (static_cast<double>(lines) - 0.5);
            const std::array<Point, 2> stroke = {Point{x, y}, Point{x + swatch - 8, y}};
            canvas->line(stroke, 2 * curve_width, curve.color);
            canvas->text({x + swatch, y}, Anchor::start, curve.name, ink);
        }
        x += width;
    }
    return lines;
}

double plot_top(const Chart& chart) {
    const double title = chart.title.empty() ? 0 : line_height;
    return margin + title + line_height * static_cast<double>(draw_legend(chart, 0, nullptr)) + margin / 2;
}

void draw_axes(const Chart& chart, const Plot& plot, Canvas& canvas) {
    constexpr std::size_t most_across = 8, most_up = 9;
    const auto line = [&](Point from, Point to, Color color) {
        const std::array<Point, 2> ends = {from, to};
        canvas.line(ends, axis_width, color);
    };
    const auto step_of = [](const std::vector<double>& ticks) {
        return ticks.size() > 1 ? ticks[1] - ticks[0] : 0;
    };
    // Half a pixel in, a line of one pixel covers one.
    const auto middle = [](double at) { return std::floor(at) + 0.5; };
    const std::vector<double> across = round_ticks(plot.x_low, plot.x_high, most_across),
                              up = round_ticks(plot.y_low, plot.y_high, most_up);
    for (const double tick : up) {
        const double y = middle(plot.place(plot.x_low, tick).y);
        line({plot.left, y}, {plot.right, y}, pale);
        canvas.text({plot.left - tick_space, y}, Anchor::end, tick_text(tick, step_of(up)), ink);
    }
    for (const double tick : across) {
        const double x = middle(plot.place(tick, plot.y_low).x);
        line({x, plot.top}, {x, plot.bottom}, pale);
        canvas.text({x, plot.bottom + tick_space + Canvas::letter_size / 2}, Anchor::middle,
                    tick_text(tick, step_of(across)), ink);
    }
    line({middle(plot.left), plot.top}, {middle(plot.left), plot.bottom}, ink);
    line({plot.left, middle(plot.bottom)}, {plot.right, middle(plot.bottom)}, ink);
    canvas.text({(plot.left + plot.right) / 2, plot.bottom + below_plot - margin - Canvas::letter_size / 2},
                Anchor::middle, chart.x_label, ink);
    canvas.text_upwards({margin + Canvas::letter_size / 2, (plot.top + plot.bottom) / 2}, chart.y_label, ink);
}

}  // namespace

Color curve_color(std::size_t n) {
    constexpr std::array<Color, 10> colors = {{{31, 119, 180},
                                               {255, 127, 14},
                                               {44, 160, 44},
                                               {214, 39, 40},
                                               {148, 103, 189},
                                               {140, 86, 75},
                                               {227, 119, 194},
                                               {127, 127, 127},
                                               {188, 189, 34},
                                               {23, 190, 207}}};
    return colors[n % colors.size()];
}

std::vector<double> round_ticks(double low, double high, std::size_t most) {
    constexpr double rounding = 1e-9;
    const double range = high - low;
    if (!(range > 0) || !std::isfinite(range) || most < 2) return {};
    const double power = std::pow(10, std::floor(std::log10(range / static_cast<double>(most))));
    for (const double times : {1.0, 2.0, 5.0, 10.0, 20.0}) {
        const double step = times * power, first = std::ceil(low / step - rounding),
                     last = std::floor(high / step + rounding);
        if (!(step > 0) || last - first + 1 > static_cast<double>(most)) continue;
        std::vector<double> ticks;
        for (double at = first; at <= last; ++at) ticks.push_back(at * step + 0.0);
        return ticks;
    }
    return {};
}

std::string tick_text(double tick, double step) {
    constexpr double smallest = 1e-5, largest = 1e15, thousand = 1e3, million = 1e6, many = 1e5;
    const double size = std::max(std::abs(tick), step);
    if (size >= largest || (step > 0 && step < smallest)) return fmt::format("{:.6g}", tick);
    const auto whole = [&](double unit) { return std::fmod(step, unit) == 0 && std::fmod(tick, unit) == 0; };
    if (size >= many && step > 0) {
        if (step >= million / 2 && whole(million))
            return tick == 0 ? "0" : fmt::format("{:.0f}M", tick / million);
        if (whole(thousand)) return tick == 0 ? "0" : fmt::format("{:.0f}k", tick / thousand);
    }
    const double decimals = step > 0 ? std::max(0.0, -std::floor(std::log10(step) + 1e-9)) : 2;
    return fmt::format("{:.{}f}", tick, static_cast<int>(decimals));
}

std::size_t chart_height(const Chart& chart) {
    return static_cast<std::size_t>(plot_top(chart) + plot_height + below_plot);
}

void draw(const Chart& chart, Canvas& canvas) {
    const double top = plot_top(chart);
    const Range x = x_range(chart), y = y_range(chart);
    const Plot plot{
        left_margin, chart_width - right_margin, top, top + plot_height, x.first, x.second, y.first,
        y.second};
    const double title = chart.title.empty() ? 0 : line_height;
    canvas.text({left_margin, margin + line_height / 2}, Anchor::start, chart.title, ink);
    draw_legend(chart, margin + title, &canvas);
    draw_axes(chart, plot, canvas);
    for (const bool pale_ones : {true, false})
        for (const Curve& curve : chart.curves)
            if ((curve.opacity < 1) == pale_ones) draw_curve(curve, plot, canvas);
}

Image chart_picture(const Chart& chart) {
    PictureCanvas canvas(chart_width, chart_height(chart));
    draw(chart, canvas);
    return std::move(canvas).picture();
}

std::string chart_svg(const Chart& chart) {
    SvgCanvas canvas(chart_width, chart_height(chart));
    draw(chart, canvas);
    return canvas.document();
}

}  // namespace duet::tools
