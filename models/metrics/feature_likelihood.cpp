#include <duet/models/metrics/feature_likelihood.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/data/permutation.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/metrics/mixture.hpp>

namespace duet::models {

namespace {

constexpr std::size_t most_fakes = 10'000;

/// What brings features to mean 0 and variance 1.
struct Scaling {
    std::vector<std::size_t> features;  ///< those that vary
    std::vector<double> mean, deviation;

    explicit Scaling(const Rows& of) {
        const auto n = static_cast<double>(of.count);
        for (std::size_t k = 0; k < of.width; ++k) {
            double sum = 0, squares = 0;
            bool varies = false;
            for (std::size_t i = 0; i < of.count; ++i) {
                sum += of[i][k];
                varies |= of[i][k] != of[0][k];
            }
            for (std::size_t i = 0; i < of.count; ++i) squares += std::pow(of[i][k] - sum / n, 2);
            if (!varies || squares == 0) continue;
            features.push_back(k);
            mean.push_back(sum / n);
            deviation.push_back(std::sqrt(squares / (n - 1)));
        }
    }

    /// The first `count` rows of a random order.
    std::vector<double> drawn(const Rows& from, std::size_t count, std::uint64_t seed) const {
        const Permutation permutation(from.count, seed, 0);
        std::vector<double> values;
        values.reserve(count * features.size());
        for (std::size_t i = 0; i < count; ++i) {
            const double* const row = from[permutation(i)];
            for (std::size_t k = 0; k < features.size(); ++k)
                values.push_back((row[features[k]] - mean[k]) / deviation[k]);
        }
        return values;
    }
};

}  // namespace

FeatureLikelihood feature_likelihood(const Samples& train, const Samples& held_out, const Samples& fake,
                                     std::uint64_t seed, std::size_t threads) {
    check_sides(train, held_out, fake);
    const Rows trained = rows_of(train), held = rows_of(held_out), faked = rows_of(fake);
    const Scaling scaling(held);
    const std::size_t width = scaling.features.size(), fakes = std::min(faked.count, most_fakes);
    if (width == 0) throw Error(fmt::format("all {} held-out samples are equal", held.count));
    const std::vector<double> train_values = scaling.drawn(trained, trained.count, seed),
                              held_values = scaling.drawn(held, held.count, seed),
                              fake_values = scaling.drawn(faked, fakes, seed);
    const Rows train_rows{train_values.data(), trained.count, width},
        held_rows{held_values.data(), held.count, width}, fake_rows{fake_values.data(), fakes, width};

    FeatureLikelihood result{};
    result.fakes = fakes;
    result.constant_features = trained.width - width;
    const auto fitted = fit_mixture(fake_rows, train_rows, threads);
    result.train_loss = mixture_loss(fake_rows, fitted, train_rows, threads);
    result.held_out_loss = mixture_loss(fake_rows, fitted, held_rows, threads);

    const std::size_t half = std::min(fakes, trained.count / 2);
    const Rows centres{train_rows.values, half, width}, rest{train_rows[half], trained.count - half, width};
    result.baseline_loss = mixture_loss(centres, fit_mixture(centres, rest, threads), held_rows, threads);
    result.divergence = 100 * (result.held_out_loss - result.baseline_loss);
    result.generalisation_gap = 100 * (result.train_loss - result.held_out_loss);
    return result;
}

}  // namespace duet::models
