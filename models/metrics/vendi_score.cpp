#include <duet/models/metrics/vendi_score.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/models/metrics/gram.hpp>
#include <duet/models/metrics/symmetric_eigen.hpp>

namespace duet::models {

namespace {

constexpr std::size_t none = jackknife_blocks;

/// - p log p, 0 for what rounding made negative.
double entropy_of(double share) {
    return share > 0 ? -share * std::log(share) : 0;
}

double score_of(std::size_t d, double* shares, double zeros) {
    double entropy = entropy_of(zeros);
    for (const double share : symmetric_eigenvalues(d, shares)) entropy += entropy_of(share);
    return std::exp(entropy);
}

/// Scales a row to unit length, first by its largest element, so that squares neither overflow nor vanish.
/// False for one of zeros.
bool normalize(double* row, std::size_t d) {
    double largest = 0, square = 0;
    for (std::size_t j = 0; j < d; ++j) largest = std::max(largest, std::abs(row[j]));
    if (largest == 0) return false;
    for (std::size_t j = 0; j < d; ++j) {
        row[j] /= largest;
        square += row[j] * row[j];
    }
    for (std::size_t j = 0; j < d; ++j) row[j] /= std::sqrt(square);
    return true;
}

}  // namespace

Jackknife vendi_score(const Samples& fake, std::size_t threads) {
    check_samples(fake, "fake");
    BlockedRows rows(rows_of(fake));
    const std::size_t d = rows.width;
    std::array<double, jackknife_blocks + 1> zeros{};
    for (std::size_t b = 0; b < jackknife_blocks; ++b)
        for (std::size_t i = rows.begin[b]; i < rows.begin[b + 1]; ++i)
            if (!normalize(rows.row(i), d)) {
                ++zeros[b];
                ++zeros[none];
            }
    std::vector<double> gram(d * d);
    add_up_gram(rows, rows.all(), gram.data(), threads);
    Jackknife result;
    for_each_index(jackknife_blocks + 1, threads, [&](std::size_t b) {
        const Range left_out = b == none ? Range{0, 0} : rows.range(b);
        const double n = static_cast<double>(rows.count - left_out.size());
        std::vector<double> shares(d * d);
        add_up_gram(rows, left_out, shares.data());
        for (std::size_t i = 0; i < d * d; ++i) shares[i] = (gram[i] - shares[i]) / n;
        const double zero_share = (zeros[none] - (b == none ? 0 : zeros[b])) / n;
        (b == none ? result.value : result.without[b]) = score_of(d, shares.data(), zero_share);
    });
    return result;
}

double vendi_score_of_kernel(const Samples& kernel) {
    const std::size_t n = kernel.dimension() == 2 ? kernel.shape()[0] : 0;
    if (n == 0 || kernel.shape()[1] != n)
        throw Error("the matrix of a kernel must be of shape (n, n), a row and a column a sample");
    std::vector<double> shares(kernel.size());
    for (std::size_t i = 0; i < n; ++i) {
        if (!(std::abs(kernel(i, i) - 1) <= 1e-9))
            throw Error(
                fmt::format("the kernel of sample {} with itself is {}; expected 1", i, kernel(i, i)));
        for (std::size_t j = 0; j < n; ++j) {
            if (!(std::abs(kernel(i, j) - kernel(j, i)) <= 1e-9))
                throw Error(fmt::format("the kernel of samples {} and {} is {} one way and {} the other", i,
                                        j, kernel(i, j), kernel(j, i)));
            shares[i * n + j] = kernel(i, j) / static_cast<double>(n);
        }
    }
    double entropy = 0;
    for (const double share : symmetric_eigenvalues(n, shares.data())) {
        if (share < -1e-9)
            throw Error(fmt::format("the matrix has the eigenvalue {}: it is no kernel's",
                                    share * static_cast<double>(n)));
        entropy += entropy_of(share);
    }
    return std::exp(entropy);
}

}  // namespace duet::models
