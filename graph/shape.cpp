#include <duet/graph/shape.hpp>

#include <limits>

#include <fmt/format.h>

#include <duet/graph/error.hpp>

namespace duet {

namespace {

std::string text_of(const std::vector<std::size_t>& extents) {
    std::string text = "(";
    for (std::size_t axis = 0; axis < extents.size(); ++axis) {
        if (axis > 0) text += ", ";
        text += std::to_string(extents[axis]);
    }
    text += ")";
    return text;
}

std::size_t checked_elements(const std::vector<std::size_t>& extents) {
    if (extents.size() > Shape::max_rank)
        throw ShapeError(fmt::format("shape {}: {} axes, at most {} are supported", text_of(extents),
                                     extents.size(), Shape::max_rank));
    constexpr std::size_t limit = std::numeric_limits<std::ptrdiff_t>::max() / sizeof(double);
    std::size_t elements = 1;
    for (const std::size_t extent : extents) {
        if (extent == 0)
            throw ShapeError(
                fmt::format("shape {}: every axis must have at least one element", text_of(extents)));
        if (elements > limit / extent)
            throw ShapeError(
                fmt::format("shape {}: more elements than memory can address", text_of(extents)));
        elements *= extent;
    }
    return elements;
}

}  // namespace

Shape::Shape(std::initializer_list<std::size_t> extents) : Shape(std::vector<std::size_t>(extents)) {}

Shape::Shape(std::vector<std::size_t> extents)
    : extents_(std::move(extents)), elements_(checked_elements(extents_)) {}

void check_bytes(const Shape& shape) {
    if (shape.elements() > max_tensor_bytes / sizeof(float))
        throw ShapeError(fmt::format("shape {}: {} elements are more than the {} bytes a tensor may take",
                                     to_string(shape), shape.elements(), max_tensor_bytes));
}

std::string to_string(const Shape& shape) {
    return text_of(shape.extents());
}

}  // namespace duet
