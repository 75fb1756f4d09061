#include <duet/ops/kernels/product_split.hpp>

#include <algorithm>

#include <duet/graph/pieces.hpp>

namespace duet {

namespace {

constexpr std::size_t most_tiles = 32;
/// Products that are not worth cutting.
constexpr double too_small = 0.3e6;
/// What each tile of rows should have at least, and each of columns.
constexpr std::size_t fewest_rows = 56, fewest_columns = 64;

/// An even number of tiles, so that two threads share them evenly, or one.
std::size_t even(std::size_t tiles) {
    return tiles < 2 ? 1 : std::min(tiles - tiles % 2, most_tiles);
}

}  // namespace

std::size_t ProductSplit::begin(std::size_t tile) const {
    const std::size_t units = ceil_divide(extent, unit);
    return std::min(extent, units * tile / tiles * unit);
}

ProductSplit split_product(std::size_t m, std::size_t n, std::size_t k) {
    const double products = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
    if (k == 1) {
        constexpr std::size_t unit = 8, worth_a_tile = 4096, most = 8;
        return {true, std::clamp<std::size_t>(m * n / worth_a_tile, 1, std::min(most, ceil_divide(m, unit))),
                m, unit};
    }
    constexpr std::size_t row_unit = 4, column_unit = 64;
    const std::size_t rows = even(m / fewest_rows), columns = even(n / fewest_columns);
    if (n == 1) return {true, rows, m, row_unit};
    if (products < too_small) return {true, 1, m, 1};
    if (rows >= 2 || columns < 2) return {true, rows, m, row_unit};
    return {false, columns, n, column_unit};
}

}  // namespace duet
