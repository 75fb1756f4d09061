#pragma once

#include <algorithm>
#include <cstddef>

namespace duet {

/// begin, ..., end - 1.
struct Range {
    std::size_t begin, end;
    std::size_t size() const { return end - begin; }
};

constexpr std::size_t ceil_divide(std::size_t a, std::size_t b) {
    return (a + b - 1) / b;
}

/// 0, ..., extent - 1 cut into pieces of `most`, of which the last may be shorter.
struct Pieces {
    std::size_t extent, most;

    std::size_t count() const { return ceil_divide(extent, most); }
    Range operator[](std::size_t piece) const { return {piece * most, std::min((piece + 1) * most, extent)}; }
};

/// `extent` cut into pieces of at most `most` and of almost equal size: that size.
constexpr std::size_t even_piece(std::size_t extent, std::size_t most) {
    return ceil_divide(extent, ceil_divide(extent, std::clamp<std::size_t>(most, 1, extent)));
}

/// The part-th of `parts` ranges of almost equal size that [0, extent) is cut into.
constexpr Range part_of(std::size_t extent, std::size_t parts, std::size_t part) {
    const std::size_t each = extent / parts, more = extent % parts;
    const std::size_t begin = part * each + std::min(part, more);
    return {begin, begin + each + (part < more ? 1 : 0)};
}

/// Visits `range` in pieces of at most `most`.
template <class Visit>
void for_each_piece(const Range& range, std::size_t most, const Visit& visit) {
    for (std::size_t begin = range.begin; begin < range.end; begin += most)
        visit(Range{begin, std::min(begin + most, range.end)});
}

/// Pieces of whole rows, as many as have `elements` together, at least one.
constexpr Pieces row_pieces(std::size_t rows, std::size_t row_elements, std::size_t elements) {
    return {rows, std::max<std::size_t>(1, elements / row_elements)};
}

}  // namespace duet
