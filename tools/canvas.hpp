#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <duet/data/lettering.hpp>
#include <duet/data/png.hpp>

namespace duet::tools {

/// A place on a canvas, in pixels from its upper left corner.
struct Point {
    double x, y;
};

/// Where in a text its place is.
enum class Anchor { start, middle, end };

/// Something that charts are drawn on. A letter is `letter_advance` wide at most.
class Canvas {
 public:
    static constexpr double letter_advance = 12, letter_size = 14;

    virtual ~Canvas() = default;
    virtual void rectangle(Point corner, double width, double height, Color color) = 0;
    /// A line through the points, or a dot at a single one. `opacity` is from 0 to 1.
    virtual void line(std::span<const Point> points, double width, Color color, double opacity = 1) = 0;
    /// A line of printable ASCII, its vertical middle at the place.
    virtual void text(Point place, Anchor anchor, std::string_view text, Color color) = 0;
    /// The same, read from bottom to top, its middle at the place.
    virtual void text_upwards(Point place, std::string_view text, Color color) = 0;
};

/// Draws a picture, white at first.
class PictureCanvas : public Canvas {
 public:
    PictureCanvas(std::size_t width, std::size_t height);
    void rectangle(Point corner, double width, double height, Color color) override;
    void line(std::span<const Point> points, double width, Color color, double opacity) override;
    void text(Point place, Anchor anchor, std::string_view text, Color color) override;
    void text_upwards(Point place, std::string_view text, Color color) override;
    const Image& picture() const& { return image_; }
    Image picture() && { return std::move(image_); }

 private:
    Image image_;
    Bytes coverage_;  ///< of the line at hand, a pixel a byte
};

/// Writes a drawing as SVG 1.1, white at first.
class SvgCanvas : public Canvas {
 public:
    SvgCanvas(std::size_t width, std::size_t height);
    void rectangle(Point corner, double width, double height, Color color) override;
    void line(std::span<const Point> points, double width, Color color, double opacity) override;
    void text(Point place, Anchor anchor, std::string_view text, Color color) override;
    void text_upwards(Point place, std::string_view text, Color color) override;
    /// The whole document.
    std::string document() const { return elements_ + "</svg>\n"; }

 private:
    std::string elements_;
};

}  // namespace duet::tools
