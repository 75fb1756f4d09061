#pragma once

#include <cstddef>

namespace duet {

/// A part of a dense output: `rows` runs of `length` elements, the first at `begin`, each `stride` after the
/// last.
struct Region {
    std::size_t begin;
    std::size_t rows;
    std::size_t stride;
    std::size_t length;

    friend bool operator==(const Region&, const Region&) = default;
};

/// True if it is one run.
bool contiguous(const Region& region);

/// True if `inner` is part of `outer`, both of one tensor.
bool nests(const Region& inner, const Region& outer);

}  // namespace duet
