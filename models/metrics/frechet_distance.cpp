#include <duet/models/metrics/frechet_distance.hpp>

#include <algorithm>
#include <cmath>

#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/models/metrics/gram.hpp>
#include <duet/models/metrics/symmetric_eigen.hpp>
#include <duet/ops/kernels/panel_product.hpp>

namespace duet::models {

namespace {

using Matrix = std::unique_ptr<double[]>;

Matrix new_matrix(std::size_t d) {
    return std::make_unique_for_overwrite<double[]>(d * d);
}

/// Which block is left out; all are there for this one.
constexpr std::size_t none = jackknife_blocks;

/// Samples less their mean, so that little cancels in sums of squares, and their sums.
class Moments {
 public:
    Moments(const Samples& samples, std::size_t threads)
        : rows_(rows_of(samples)), mean_(rows_.width), gram_(new_matrix(rows_.width)) {
        const std::size_t d = rows_.width;
        for (std::size_t i = 0; i < rows_.count; ++i)
            for (std::size_t j = 0; j < d; ++j)
                mean_[j] += rows_.row(i)[j] / static_cast<double>(rows_.count);
        for (std::size_t i = 0; i < rows_.count; ++i)
            for (std::size_t j = 0; j < d; ++j) rows_.row(i)[j] -= mean_[j];
        add_up_gram(rows_, rows_.all(), gram_.get(), threads);
    }

    std::size_t width() const { return rows_.width; }

    /// The mean without that block, and into both triangles of `covariance` the covariance.
    std::vector<double> without(std::size_t block, double* covariance) const {
        const std::size_t d = rows_.width;
        const Range left_out = block == none ? Range{0, 0} : rows_.range(block);
        const double n = static_cast<double>(rows_.count - left_out.size());
        add_up_gram(rows_, left_out, covariance);
        // All rows together sum up to nothing.
        std::vector<double> sum(d);
        for (std::size_t i = left_out.begin; i < left_out.end; ++i)
            for (std::size_t j = 0; j < d; ++j) sum[j] -= rows_.row(i)[j];
        for (std::size_t i = 0; i < d; ++i)
            for (std::size_t j = i; j < d; ++j) {
                const double products = gram_[i * d + j] - covariance[i * d + j] - sum[i] * sum[j] / n;
                covariance[i * d + j] = products / (n - 1);
            }
        for (std::size_t i = 0; i < d; ++i)
            for (std::size_t j = 0; j < i; ++j) covariance[i * d + j] = covariance[j * d + i];
        for (std::size_t j = 0; j < d; ++j) sum[j] = mean_[j] + sum[j] / n;
        return sum;
    }

 private:
    BlockedRows rows_;
    std::vector<double> mean_;
    Matrix gram_;
};

/// Tr (A B)^{1/2}; overwrites `a`.
double trace_of_root(std::size_t d, double* a, const double* b) {
    const auto [rank, order] = factor_symmetric(d, a);
    const Matrix reordered = new_matrix(d), half = new_matrix(d);
    for (std::size_t i = 0; i < d; ++i)
        for (std::size_t j = 0; j < d; ++j) reordered[i * d + j] = b[order[i] * d + order[j]];
    const auto scratch = new_product_scratch();
    // The factor's rows are zero up to the diagonal, and of the result the upper triangle is enough.
    const Pieces bands{rank, 16 * panel_rows};
    for (std::size_t band = 0; band < bands.count(); ++band) {
        const auto [begin, end] = bands[band];
        multiply<double>(false, false, end - begin, d, d - begin, a + begin * d + begin, d,
                         reordered.get() + begin * d, d, false, half.get() + begin * d, d, scratch.get());
    }
    const Matrix result = new_matrix(rank);
    for (std::size_t band = 0; band < bands.count(); ++band) {
        const auto [begin, end] = bands[band];
        multiply<double>(false, true, end, end - begin, d - begin, half.get() + begin, d,
                         a + begin * d + begin, d, false, result.get() + begin, rank, scratch.get());
    }
    double trace = 0;
    for (const double value : symmetric_eigenvalues(rank, result.get()))
        trace += std::sqrt(std::max(value, 0.0));
    return trace;
}

double trace_of(std::size_t d, const double* matrix) {
    double trace = 0;
    for (std::size_t i = 0; i < d; ++i) trace += matrix[i * d + i];
    return trace;
}

double distance_without(std::size_t block, const Moments& real, const Moments& fake) {
    const std::size_t d = real.width();
    const Matrix real_covariance = new_matrix(d), fake_covariance = new_matrix(d);
    const std::vector<double> real_mean = real.without(block, real_covariance.get());
    const std::vector<double> fake_mean = fake.without(block, fake_covariance.get());
    double squares = 0;
    for (std::size_t j = 0; j < d; ++j)
        squares += (real_mean[j] - fake_mean[j]) * (real_mean[j] - fake_mean[j]);
    const double traces = trace_of(d, real_covariance.get()) + trace_of(d, fake_covariance.get());
    const double root = trace_of_root(d, real_covariance.get(), fake_covariance.get());
    const double distance = squares + traces - 2 * root;
    if (!std::isfinite(distance))
        throw Error("the Frechet distance is not finite: the samples are too large");
    return std::max(distance, 0.0);
}

}  // namespace

Jackknife frechet_distance(const Samples& real, const Samples& fake, std::size_t threads) {
    check_pair(real, fake);
    const Moments real_moments(real, threads), fake_moments(fake, threads);
    Jackknife result;
    result.corrected = true;
    for_each_index(jackknife_blocks + 1, threads, [&](std::size_t i) {
        (i == none ? result.value : result.without[i]) = distance_without(i, real_moments, fake_moments);
    });
    return result;
}

double frechet_null_bias(std::span<const double> eigenvalues, std::size_t n_1, std::size_t n_2) {
    if (n_1 == 0 || n_2 == 0)
        throw Error("the null bias of the Frechet distance needs samples of both sides");
    double sum = 0;
    for (const double a : eigenvalues) {
        if (!std::isfinite(a)) throw Error("an eigenvalue of a covariance is not finite");
        if (a <= 0) continue;
        sum += 1.25 * a;
        for (const double b : eigenvalues)
            if (b > 0) sum += b / (a + b) * a / 2;
    }
    return sum * (1 / static_cast<double>(n_1) + 1 / static_cast<double>(n_2));
}

std::vector<double> covariance_eigenvalues(const Samples& samples, std::size_t threads) {
    check_samples(samples, "given");
    const Moments moments(samples, threads);
    const Matrix covariance = new_matrix(moments.width());
    moments.without(none, covariance.get());
    return symmetric_eigenvalues(moments.width(), covariance.get());
}

}  // namespace duet::models
