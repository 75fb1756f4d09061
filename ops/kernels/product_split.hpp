#pragma once

#include <cstddef>

namespace duet {

/// How a matrix product is cut into tiles: along the rows or the columns of the result.
struct ProductSplit {
    bool by_rows;
    std::size_t tiles;
    /// The rows or columns of the result, and of which multiple a tile has (the last one may have fewer).
    std::size_t extent;
    std::size_t unit;

    /// The first row or column of a tile; that of tile `tiles` is the extent.
    std::size_t begin(std::size_t tile) const;
};

/// The cut of a product of m x k by k x n, of at most 32 tiles: a function of its extents.
///
/// Every tile packs what it multiplies by again, so rows are cut only where many are left to a tile; tiles of
/// rows let neighbouring ops on the same rows run tile after tile. A product of few rows is cut along its
/// columns, into whole panels; one of a single column, however small, along the rows of its neighbours.
ProductSplit split_product(std::size_t m, std::size_t n, std::size_t k);

}  // namespace duet
