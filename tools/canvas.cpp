#include "canvas.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace duet::tools {

namespace {

constexpr std::size_t letter_magnification = 2;
constexpr Color white = {255, 255, 255};

double distance_to_segment(Point from, Point to, Point place) {
    const double x = to.x - from.x, y = to.y - from.y, length = x * x + y * y;
    const double along =
        length > 0 ? std::clamp(((place.x - from.x) * x + (place.y - from.y) * y) / length, 0.0, 1.0) : 0;
    return std::hypot(from.x + along * x - place.x, from.y + along * y - place.y);
}

std::size_t pixel(double at, std::size_t size) {
    return static_cast<std::size_t>(std::clamp(at, 0.0, static_cast<double>(size)));
}

std::string color_text(Color color) {
    return fmt::format("#{:02x}{:02x}{:02x}", color[0], color[1], color[2]);
}

std::string escaped(std::string_view text) {
    std::string result;
    for (const char letter : text) {
        if (letter == '&')
            result += "&amp;";
        else if (letter == '<')
            result += "&lt;";
        else if (letter == '>')
            result += "&gt;";
        else
            result += letter >= ' ' && letter <= '~' ? letter : '?';
    }
    return result;
}

}  // namespace

PictureCanvas::PictureCanvas(std::size_t width, std::size_t height)
    : image_{width, height, 3, Bytes(width * height * 3, white[0])}, coverage_(width * height) {}

void PictureCanvas::rectangle(Point corner, double width, double height, Color color) {
    const std::size_t right = pixel(std::round(corner.x + width), image_.width),
                      bottom = pixel(std::round(corner.y + height), image_.height);
    for (std::size_t y = pixel(std::round(corner.y), image_.height); y < bottom; ++y)
        for (std::size_t x = pixel(std::round(corner.x), image_.width); x < right; ++x)
            std::copy(color.begin(), color.end(), image_.pixels.data() + 3 * (y * image_.width + x));
}

/// Each pixel takes as much of the colour as of it lies within the line; where segments meet, the most.
void PictureCanvas::line(std::span<const Point> points, double width, Color color, double opacity) {
    std::fill(coverage_.begin(), coverage_.end(), std::uint8_t{0});
    const double reach = width / 2 + 1;
    for (std::size_t i = 0; i < points.size(); ++i) {
        const Point from = points[i == 0 ? 0 : i - 1], to = points[i];
        const std::size_t right = pixel(std::max(from.x, to.x) + reach + 1, image_.width),
                          bottom = pixel(std::max(from.y, to.y) + reach + 1, image_.height);
        for (std::size_t y = pixel(std::min(from.y, to.y) - reach, image_.height); y < bottom; ++y)
            for (std::size_t x = pixel(std::min(from.x, to.x) - reach, image_.width); x < right; ++x) {
                const Point place{static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5};
                const double within = width / 2 + 0.5 - distance_to_segment(from, to, place);
                const auto part = static_cast<std::uint8_t>(std::lround(255 * std::clamp(within, 0.0, 1.0)));
                std::uint8_t& covered = coverage_[y * image_.width + x];
                covered = std::max(covered, part);
            }
    }
    for (std::size_t i = 0; i < coverage_.size(); ++i) {
        if (coverage_[i] == 0) continue;
        const double share = opacity * coverage_[i] / 255;
        for (std::size_t channel = 0; channel < 3; ++channel) {
            std::uint8_t& value = image_.pixels[3 * i + channel];
            value = static_cast<std::uint8_t>(std::lround(value + share * (color[channel] - value)));
        }
    }
}

void PictureCanvas::text(Point place, Anchor anchor, std::string_view text, Color color) {
    const auto width = static_cast<double>(text_width(text, letter_magnification));
    const double left = place.x - (anchor == Anchor::start ? 0 : anchor == Anchor::end ? width : width / 2);
    draw_text(image_, std::lround(left), std::lround(place.y - letter_size / 2), text, color,
              letter_magnification);
}

void PictureCanvas::text_upwards(Point place, std::string_view text, Color color) {
    const auto width = static_cast<double>(text_width(text, letter_magnification));
    draw_text_upwards(image_, std::lround(place.x - letter_size / 2), std::lround(place.y + width / 2), text,
                      color, letter_magnification);
}

SvgCanvas::SvgCanvas(std::size_t width, std::size_t height)
    : elements_(fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
                            "height=\"{1}\" font-family=\"sans-serif\" font-size=\"{2}\">\n",
                            width, height, letter_size + 2)) {
    rectangle({0, 0}, static_cast<double>(width), static_cast<double>(height), white);
}

void SvgCanvas::rectangle(Point corner, double width, double height, Color color) {
    elements_ +=
        fmt::format("<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" fill=\"{}\"/>\n",
                    corner.x, corner.y, width, height, color_text(color));
}

void SvgCanvas::line(std::span<const Point> points, double width, Color color, double opacity) {
    std::string places;
    for (const Point& point : points) places += fmt::format("{:.2f},{:.2f} ", point.x, point.y);
    if (points.size() == 1) places += places;
    elements_ += fmt::format(
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" "
        "stroke-opacity=\"{}\" stroke-linecap=\"round\" stroke-linejoin=\"round\"/>\n",
        places, color_text(color), width, opacity);
}

void SvgCanvas::text(Point place, Anchor anchor, std::string_view text, Color color) {
    const char* const name = anchor == Anchor::start ? "start" : anchor == Anchor::end ? "end" : "middle";
    elements_ += fmt::format(
        "<text x=\"{:.2f}\" y=\"{:.2f}\" text-anchor=\"{}\" dominant-baseline=\"central\" "
        "fill=\"{}\">{}</text>\n",
        place.x, place.y, name, color_text(color), escaped(text));
}

void SvgCanvas::text_upwards(Point place, std::string_view text, Color color) {
    elements_ += fmt::format("<g transform=\"translate({:.2f} {:.2f}) rotate(-90)\">\n", place.x, place.y);
    this->text({0, 0}, Anchor::middle, text, color);
    elements_ += "</g>\n";
}

}  // namespace duet::tools
