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

/// Pieces of whole rows, as many as have `elements` together, at least one.
constexpr Pieces row_pieces(std::size_t rows, std::size_t row_elements, std::size_t elements) {
    return {rows, std::max<std::size_t>(1, elements / row_elements)};
}

}  // namespace duet
