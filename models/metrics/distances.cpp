#include <duet/models/metrics/distances.hpp>

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/ops/kernels/panel_product.hpp>

namespace duet::models {

namespace {

/// Of a tile: a multiple of the product's rows and columns, and small enough for the second level of cache.
constexpr std::size_t tile_rows = 96, tile_columns = 512;
constexpr std::size_t panel_width = panel_columns<double>;
static_assert(tile_columns % panel_width == 0);
constexpr double largest_norm = 1e300;

/// The product of each row with itself, by the product that pairs are multiplied by.
std::vector<double> squared_norms(const Rows& rows) {
    std::vector<double> norms(rows.count), scratch(product_scratch);
    for (std::size_t i = 0; i < rows.count; ++i) {
        multiply<double>(false, true, 1, 1, rows.width, rows[i], rows.width, rows[i], rows.width, false,
                         &norms[i], 1, scratch.data());
        if (!(norms[i] <= largest_norm))
            throw Error(fmt::format("sample {} has a squared norm of {}: distances need at most {}", i,
                                    norms[i], largest_norm));
    }
    return norms;
}

/// The rows as columns of panels, zeros behind the last, as `multiply_packed` takes them.
std::vector<double> packed_columns(const Rows& rows) {
    const std::size_t panels = ceil_divide(rows.count, panel_width);
    std::vector<double> packed(panels * panel_width * rows.width, 0.0);
    for (std::size_t column = 0; column < rows.count; ++column) {
        double* const to =
            packed.data() + column / panel_width * rows.width * panel_width + column % panel_width;
        for (std::size_t k = 0; k < rows.width; ++k) to[k * panel_width] = rows[column][k];
    }
    return packed;
}

/// Turns products into squared distances, in place.
void finish(std::size_t columns, double x_norm, const double* y_norms, double* values) {
    for (std::size_t j = 0; j < columns; ++j) {
        const double distance = (x_norm + y_norms[j]) - 2 * values[j];
        values[j] = distance > 0 ? distance : 0;
    }
}

double distance_of(const double* x, const double* y, std::size_t width) {
    double sum = 0;
    for (std::size_t k = 0; k < width; ++k) sum += (x[k] - y[k]) * (x[k] - y[k]);
    return sum;
}

}  // namespace

Rows rows_of(const Samples& samples) {
    return {samples.data(), samples.shape()[0], samples.shape()[1]};
}

void for_each_distance_tile(const Rows& x, const Rows& y, std::size_t threads,
                            const std::function<void(const DistanceTile&)>& visit) {
    if (x.width != y.width)
        throw Error(fmt::format("distances of rows of {} values to rows of {}: expected the same width",
                                x.width, y.width));
    const std::vector<double> x_norms = squared_norms(x), y_norms = squared_norms(y);
    const std::vector<double> packed = packed_columns(y);
    const Pieces strips{x.count, tile_rows}, tiles{y.count, tile_columns};
    for_each_index(strips.count(), threads, [&](std::size_t strip) {
        std::vector<double> values(tile_rows * tile_columns), scratch(product_scratch);
        const Range rows = strips[strip];
        for (std::size_t tile = 0; tile < tiles.count(); ++tile) {
            const Range columns = tiles[tile];
            multiply_packed<double>(false, rows.size(), columns.size(), x.width, x[rows.begin], x.width,
                                    packed.data() + columns.begin * x.width, panel_width, false,
                                    values.data(), tile_columns, scratch.data());
            for (std::size_t i = 0; i < rows.size(); ++i)
                finish(columns.size(), x_norms[rows.begin + i], y_norms.data() + columns.begin,
                       values.data() + i * tile_columns);
            visit({rows, columns, values.data(), tile_columns});
        }
    });
}

std::vector<Nearest> nearest_rows(const Rows& x, const Rows& y, std::size_t threads) {
    std::vector<Nearest> nearest(x.count, {0, std::numeric_limits<double>::infinity()});
    for_each_distance_tile(x, y, threads, [&](const DistanceTile& tile) {
        for (std::size_t i = 0; i < tile.rows.size(); ++i) {
            Nearest& best = nearest[tile.rows.begin + i];
            for (std::size_t j = 0; j < tile.columns.size(); ++j)
                if (tile[i][j] < best.distance) best = {tile.columns.begin + j, tile[i][j]};
        }
    });
    for (std::size_t i = 0; i < x.count; ++i)
        nearest[i].distance = distance_of(x[i], y[nearest[i].row], x.width);
    return nearest;
}

}  // namespace duet::models
