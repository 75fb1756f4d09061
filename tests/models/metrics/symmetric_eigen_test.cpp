#include <duet/models/metrics/symmetric_eigen.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <duet/graph/error.hpp>
#include <duet/models/metrics/estimate.hpp>

#include "../../same_bits.hpp"

using namespace duet;
using namespace duet::models;

namespace {

/// The second difference's matrix, whose eigenvalues are 2 - 2 cos(pi k / (d + 1)). Below the diagonal it is
/// left undefined.
std::vector<double> second_difference(std::size_t d) {
    std::vector<double> matrix(d * d);
    for (std::size_t i = 0; i < d; ++i) {
        matrix[i * d + i] = 2;
        if (i + 1 < d) matrix[i * d + i + 1] = -1;
        for (std::size_t j = 0; j < i; ++j) matrix[i * d + j] = std::nan("");
    }
    return matrix;
}

}  // namespace

TEST_CASE("eigenvalues of a symmetric matrix, from many threads at once") {
    constexpr std::size_t d = 200;
    std::vector<std::vector<double>> values(16);
    for_each_index(values.size(), 4, [&](std::size_t i) {
        std::vector<double> matrix = second_difference(d);
        values[i] = symmetric_eigenvalues(d, matrix.data());
    });
    for (std::size_t k = 0; k < d; ++k)
        CHECK(values[0][k] ==
              doctest::Approx(2 - 2 * std::cos(M_PI * static_cast<double>(k + 1) / (d + 1))).epsilon(1e-9));
    for (const std::vector<double>& each : values) CHECK(same(each, values[0]));
    CHECK(symmetric_eigenvalues(0, nullptr).empty());
}

TEST_CASE("the factor of a singular matrix ends at its rank") {
    // Columns 0 and 2 alike, column 3 of zeros.
    std::vector<double> matrix{4, 1, 4, 0, 0, 9, 1, 0, 0, 0, 4, 0, 0, 0, 0, 0};
    const std::vector<double> original = matrix;
    const auto [rank, order] = factor_symmetric(4, matrix.data());
    CHECK(rank == 2);
    for (std::size_t i = 0; i < 4; ++i)
        for (std::size_t j = i; j < 4; ++j) {
            double product = 0;
            for (std::size_t k = 0; k < rank; ++k) product += matrix[k * 4 + i] * matrix[k * 4 + j];
            const std::size_t a = std::min(order[i], order[j]), b = std::max(order[i], order[j]);
            CHECK(product == doctest::Approx(original[a * 4 + b]));
        }
    CHECK(matrix[1 * 4 + 0] == 0);
    std::vector<double> zero(9);
    CHECK(factor_symmetric(3, zero.data()).rank == 0);
}

TEST_CASE("a matrix that is not finite is refused") {
    for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
        std::vector<double> matrix{1, 0, 0, bad};
        CHECK_THROWS_WITH_AS(symmetric_eigenvalues(2, matrix.data()),
                             "row 1 of a 2 x 2 matrix holds a value that is not finite: the samples are too "
                             "large to be squared",
                             Error);
        CHECK_THROWS_AS(factor_symmetric(2, matrix.data()), Error);
    }
}
