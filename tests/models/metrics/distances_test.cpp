#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/models/metrics/distances.hpp>
#include <duet/models/metrics/k_means.hpp>

#include "drawn_samples.hpp"

using namespace duet;
using namespace duet::models;

namespace {

std::vector<double> all_distances(const Samples& x, const Samples& y, std::size_t threads = 1) {
    const std::size_t n = y.shape()[0];
    std::vector<double> distances(x.shape()[0] * n, -1.0);
    for_each_distance_tile(rows_of(x), rows_of(y), threads, [&](const DistanceTile& tile) {
        for (std::size_t i = 0; i < tile.rows.size(); ++i)
            std::copy_n(tile[i], tile.columns.size(),
                        distances.data() + (tile.rows.begin + i) * n + tile.columns.begin);
    });
    return distances;
}

}  // namespace

TEST_CASE("distances are those of the differences, the same both ways and at any thread count") {
    for (const std::size_t d : {1UL, 7UL, 256UL, 600UL}) {
        CAPTURE(d);
        const Samples x = gaussian(211, d, 1), y = gaussian(1037, d, 2, 3);
        const auto distances = all_distances(x, y), other_way = all_distances(y, x);
        double worst = 0;
        bool symmetric = true;
        for (std::size_t i = 0; i < 211; ++i)
            for (std::size_t j = 0; j < 1037; ++j) {
                double exact = 0, norms = 0;
                for (std::size_t k = 0; k < d; ++k) {
                    exact += (x(i, k) - y(j, k)) * (x(i, k) - y(j, k));
                    norms += x(i, k) * x(i, k) + y(j, k) * y(j, k);
                }
                worst = std::max(worst, std::abs(distances[i * 1037 + j] - exact) / norms);
                symmetric &= distances[i * 1037 + j] == other_way[j * 211 + i];
            }
        CHECK(worst <= static_cast<double>(d + 3) * 0x1p-52);
        CHECK(symmetric);
        for (const std::size_t threads : {2UL, 3UL, 8UL}) CHECK(distances == all_distances(x, y, threads));
    }
}

TEST_CASE("equal rows are at distance 0, and the nearest row's distance has no cancellation") {
    Samples x = gaussian(300, 33, 5);
    for (double& value : x) value += 1000;
    const auto distances = all_distances(x, x);
    bool zero = true;
    for (std::size_t i = 0; i < 300; ++i) zero &= distances[i * 301] == 0;
    CHECK(zero);

    Samples moved = x;
    for (std::size_t i = 0; i < 300; ++i) moved(i, 3) += 0x1p-10;
    const auto nearest = nearest_rows(rows_of(moved), rows_of(x), 1);
    bool exact = true;
    for (std::size_t i = 0; i < 300; ++i) exact &= nearest[i].row == i && nearest[i].distance == 0x1p-20;
    CHECK(exact);
}

TEST_CASE("distances that cannot be computed are refused") {
    const Samples x = gaussian(40, 3, 1), wide = gaussian(40, 4, 1), huge = gaussian(40, 3, 1, 1e160);
    CHECK_THROWS_WITH_AS(all_distances(x, wide),
                         "distances of rows of 3 values to rows of 4: expected the same width", Error);
    CHECK_THROWS_AS(all_distances(x, huge), Error);
}

TEST_CASE("k-means finds the clusters, whatever the seed and the threads") {
    Samples samples = gaussian(400, 3, 9);
    for (std::size_t i = 0; i < 400; ++i) samples(i, i % 4 % 3) += i % 4 == 3 ? -20 : 20;
    for (const std::uint64_t seed : {0U, 1U, 2U}) {
        const auto centres = k_means(rows_of(samples), 4, seed, 1);
        CHECK(centres == k_means(rows_of(samples), 4, seed, 3));
        const auto cell_of = nearest_rows(rows_of(samples), {centres.data(), 4, 3}, 1);
        bool together = true;
        for (std::size_t i = 4; i < 400; ++i) together &= cell_of[i].row == cell_of[i % 4].row;
        CHECK(together);
    }
    const Samples alike = xt::ones<double>({40, 2});
    CHECK_THROWS_WITH_AS(k_means(rows_of(alike), 2, 0, 1),
                         "2 cells of samples of which only 1 differ: ask for fewer", Error);
    CHECK_THROWS_AS(k_means(rows_of(alike), 0, 0, 1), Error);
    CHECK_THROWS_AS(k_means(rows_of(alike), 41, 0, 1), Error);
}
