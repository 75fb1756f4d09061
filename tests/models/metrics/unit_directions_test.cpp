#include <duet/models/metrics/unit_directions.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>

using namespace duet;
using namespace duet::models;

TEST_CASE("directions are of unit length, uniform, and those of their seed") {
    const std::size_t d = 70, count = 3000;
    const Samples directions = unit_directions(count, d, 5), fewer = unit_directions(10, d, 5);
    CHECK(std::equal(fewer.begin(), fewer.end(), directions.begin()));
    CHECK(unit_directions(10, d, 6) != fewer);
    std::vector<double> mean(d), square(d), beside(d), opposite(d);
    for (std::size_t i = 0; i < count; ++i) {
        double length = 0;
        for (std::size_t j = 0; j < d; ++j) {
            const double value = directions(i, j);
            length += value * value;
            mean[j] += value / count;
            square[j] += value * value / count;
            beside[j] += value * directions(i, (j + 1) % d) / count;
            opposite[j] += value * directions((i + 1) % count, j) / count;
        }
        CHECK(length == doctest::Approx(1).epsilon(1e-12));
    }
    // In units of four and a half standard errors: 70 of each are looked at.
    const double unit = 4.5 / std::sqrt(count * static_cast<double>(d));
    for (std::size_t j = 0; j < d; ++j) {
        CHECK(std::abs(mean[j]) < unit);
        CHECK(std::abs(square[j] * d - 1) < 4.5 * std::sqrt(2.0 / count));
        CHECK(std::abs(beside[j]) * std::sqrt(d) < unit);
        CHECK(std::abs(opposite[j]) * std::sqrt(d) < unit);
    }
    const Samples line = unit_directions(100, 1, 0);
    std::size_t positive = 0;
    for (const double value : line) {
        CHECK(std::abs(value) == 1);
        positive += value > 0;
    }
    CHECK(positive > 30);
    CHECK(positive < 70);
}
