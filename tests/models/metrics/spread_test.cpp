#include <doctest/doctest.h>

#include <cmath>
#include <utility>
#include <vector>

#include <duet/models/metrics/spread.hpp>

using namespace duet::models;

TEST_CASE("quantiles of Student's t are those of the tables") {
    const std::vector<std::pair<std::size_t, double>> known = {
        {1, 12.706204736174694},  {2, 4.302652729749462},   {3, 3.1824463052842633},
        {4, 2.7764451051977987},  {5, 2.5705818356363141},  {9, 2.262157162798205},
        {19, 2.0930240544082634}, {30, 2.0422724563012373}, {999, 1.9623414611334487}};
    for (const auto& row : known) {
        CAPTURE(row.first);
        CHECK(student_quantile(row.first) == doctest::Approx(row.second).epsilon(1e-12));
    }
}

TEST_CASE("the spread of a few values is that computed by hand") {
    const std::vector<double> values = {1, 2, 6};
    const Spread spread = spread_of(values);
    CHECK(spread.n == 3);
    CHECK(spread.mean == doctest::Approx(3));
    CHECK(spread.standard_error == doctest::Approx(std::sqrt(7.0 / 3)));
    CHECK(spread.low == doctest::Approx(3 - 4.302652729749462 * std::sqrt(7.0 / 3)));
    CHECK(spread.high == doctest::Approx(3 + 4.302652729749462 * std::sqrt(7.0 / 3)));
    CHECK(spread_of({}).n == 0);
    CHECK(std::isnan(spread_of({}).mean));
    const std::vector<double> one = {5};
    CHECK(spread_of(one).mean == 5);
    CHECK(std::isnan(spread_of(one).standard_error));
    CHECK(std::isnan(spread_of(one).low));
}
