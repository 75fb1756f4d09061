#include <duet/models/metrics/mixture.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include <duet/ops/math.hpp>

namespace duet::models {

namespace {

constexpr std::size_t epochs = 50, batch_samples = 10'000;
constexpr double rate = 0.5, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
constexpr double least_log_variance = -40, largest_log_variance = 20, first_variance = 1e-3;
constexpr double origin_nearness = 0.81;
/// Beyond this a squared distance over a variance counts as this: 0 times infinity would be no number.
constexpr float farthest = 1e30F;
/// The same of a distance to the origin.
constexpr double farthest_origin = 1e200;
/// Parts of a batch that are summed apart, at any thread count.
constexpr std::size_t parts = 32;
/// Sums and greatest values run side by side, one for each lane of the widest register.
constexpr std::size_t side_by_side = 16;

template <class T, class Combine>
T reduced(const T* values, std::size_t count, T from, const Combine& combine) {
    std::array<T, side_by_side> lane;
    lane.fill(from);
    std::size_t i = 0;
    for (; i + side_by_side <= count; i += side_by_side)
        for (std::size_t j = 0; j < side_by_side; ++j) lane[j] = combine(lane[j], values[i + j]);
    for (; i < count; ++i) lane[0] = combine(lane[0], values[i]);
    for (std::size_t j = 1; j < side_by_side; ++j) lane[0] = combine(lane[0], lane[j]);
    return lane[0];
}

/// Squared distances of samples to centres, (samples, centres).
class Distances {
 public:
    void take(const Rows& samples, const Rows& centres, std::size_t threads) {
        columns_ = centres.count;
        values_.resize(samples.count * centres.count);
        for_each_distance_tile(samples, centres, threads, [this](const DistanceTile& tile) {
            for (std::size_t i = 0; i < tile.rows.size(); ++i)
                std::transform(tile[i], tile[i] + tile.columns.size(),
                               values_.data() + (tile.rows.begin + i) * columns_ + tile.columns.begin,
                               [](double distance) { return static_cast<float>(std::min(distance, 1e38)); });
        });
    }

    const float* operator[](std::size_t sample) const { return values_.data() + sample * columns_; }

 private:
    std::size_t columns_ = 0;
    std::vector<float> values_;
};

/// The log-likelihood of a sample under one Gaussian is constant - distance * factor.
struct Terms {
    Terms(const std::vector<double>& log_variances, std::size_t width)
        : factor(log_variances.size()), constant(log_variances.size()) {
        const double half = static_cast<double>(width) / 2,
                     share = std::log(static_cast<double>(factor.size()));
        for (std::size_t j = 0; j < factor.size(); ++j) {
            factor[j] = static_cast<float>(0.5 * std::exp(-log_variances[j]));
            constant[j] =
                static_cast<float>(-half * (log_variances[j] + std::log(2 * std::numbers::pi)) - share);
        }
    }

    std::vector<float> factor, constant;
};

float scaled(float distance, float factor) {
    const float product = distance * factor;
    return product < farthest ? product : farthest;
}

/// Writes the log-likelihoods of a sample under each Gaussian and returns the greatest.
float log_likelihoods(const float* distances, const Terms& terms, float* likelihoods) {
    const std::size_t count = terms.factor.size();
    const float *const factor = terms.factor.data(), *const constant = terms.constant.data();
    for (std::size_t j = 0; j < count; ++j) likelihoods[j] = constant[j] - scaled(distances[j], factor[j]);
    return reduced(likelihoods, count, -std::numeric_limits<float>::infinity(),
                   [](float a, float b) { return a > b ? a : b; });
}

/// Makes likelihoods of them, over e^greatest, and returns their sum.
float exponentiate(float greatest, std::size_t count, float* likelihoods) {
    for (std::size_t j = 0; j < count; ++j) likelihoods[j] = math::exp(likelihoods[j] - greatest);
    return reduced(likelihoods, count, 0.0F, [](float a, float b) { return a + b; });
}

/// The Gaussian about the samples' mean.
struct Origin {
    double log_variance = 0;

    double scaled(double distance) const {
        return 0.5 * origin_nearness * distance * std::exp(-log_variance);
    }
    double log_likelihood(double distance, double half_width) const {
        return -scaled(distance) - half_width * (log_variance + std::log(2 * std::numbers::pi));
    }
};

/// Of the summed log-likelihood of some samples, with regard to log variances.
struct Gradient {
    std::vector<double> of_centres;
    double of_origin = 0;
};

void add_gradient(const float* distances, double origin_distance, const Terms& terms, const Origin& origin,
                  double half_width, std::vector<float>& likelihoods, Gradient& gradient) {
    const std::size_t count = likelihoods.size();
    const float greatest = log_likelihoods(distances, terms, likelihoods.data());
    const double sum = exponentiate(greatest, count, likelihoods.data());
    const double at_centres = static_cast<double>(greatest) + std::log(sum),
                 at_origin = origin.log_likelihood(origin_distance, half_width);
    // The origin's part of the likelihood; that of all centres is the rest.
    const double part = 1 / (1 + std::exp(at_centres - at_origin));
    const auto weight = static_cast<float>((1 - part) / sum), half = static_cast<float>(half_width);
    const float* const factor = terms.factor.data();
    double* const into = gradient.of_centres.data();
    for (std::size_t j = 0; j < count; ++j)
        into[j] += likelihoods[j] * weight * (scaled(distances[j], factor[j]) - half);
    gradient.of_origin += part * (origin.scaled(origin_distance) - half_width);
}

/// A step of Adam on a loss, of all log variances and the origin's behind them.
class Adam {
 public:
    explicit Adam(std::size_t count) : first_(count, 0.0), second_(count, 0.0) {}

    void begin_step() {
        power1_ *= beta1;
        power2_ *= beta2;
    }
    double step(std::size_t i, double gradient) {
        first_[i] = beta1 * first_[i] + (1 - beta1) * gradient;
        second_[i] = beta2 * second_[i] + (1 - beta2) * gradient * gradient;
        return -rate * (first_[i] / (1 - power1_)) / (std::sqrt(second_[i] / (1 - power2_)) + epsilon);
    }

 private:
    std::vector<double> first_, second_;
    double power1_ = 1, power2_ = 1;
};

std::vector<double> origin_distances(const Rows& samples) {
    std::vector<double> mean(samples.width, 0.0), distances(samples.count, 0.0);
    for (std::size_t i = 0; i < samples.count; ++i)
        for (std::size_t k = 0; k < samples.width; ++k) mean[k] += samples[i][k];
    for (double& value : mean) value /= static_cast<double>(samples.count);
    for (std::size_t i = 0; i < samples.count; ++i) {
        for (std::size_t k = 0; k < samples.width; ++k)
            distances[i] += (samples[i][k] - mean[k]) * (samples[i][k] - mean[k]);
        distances[i] = std::min(distances[i], farthest_origin);
    }
    return distances;
}

}  // namespace

std::vector<double> fit_mixture(const Rows& centres, const Rows& samples, std::size_t threads) {
    const std::size_t count = centres.count;
    const double width = static_cast<double>(samples.width), half_width = width / 2;
    std::vector<double> log_variances(count);
    const auto nearest = nearest_rows(centres, samples, threads);
    for (std::size_t j = 0; j < count; ++j)
        log_variances[j] = std::log((nearest[j].distance + first_variance) / width);

    const std::vector<double> to_origin = origin_distances(samples);
    const Pieces batches{samples.count, batch_samples};
    Origin origin;
    Adam adam(count + 1);
    std::vector<Gradient> gradients(parts);
    Distances distances;
    for (std::size_t step = 0; step < epochs * batches.count(); ++step) {
        const Range batch = batches[step % batches.count()];
        if (step == 0 || batches.count() > 1)
            distances.take({samples[batch.begin], batch.size(), samples.width}, centres, threads);
        const Terms terms(log_variances, samples.width);
        for_each_index(parts, threads, [&](std::size_t part) {
            gradients[part] = {std::vector<double>(count, 0.0), 0};
            std::vector<float> likelihoods(count);
            const Range rows = part_of(batch.size(), parts, part);
            for (std::size_t i = rows.begin; i < rows.end; ++i)
                add_gradient(distances[i], to_origin[batch.begin + i], terms, origin, half_width, likelihoods,
                             gradients[part]);
        });
        adam.begin_step();
        const double scale = -1 / (width * static_cast<double>(batch.size()));
        for (std::size_t j = 0; j < count; ++j) {
            double sum = 0;
            for (const Gradient& gradient : gradients) sum += gradient.of_centres[j];
            log_variances[j] = std::clamp(log_variances[j] + adam.step(j, scale * sum), least_log_variance,
                                          largest_log_variance);
        }
        double sum = 0;
        for (const Gradient& gradient : gradients) sum += gradient.of_origin;
        origin.log_variance += adam.step(count, scale * sum);
    }
    return log_variances;
}

double mixture_loss(const Rows& centres, const std::vector<double>& log_variances, const Rows& samples,
                    std::size_t threads) {
    const Terms terms(log_variances, samples.width);
    const Pieces batches{samples.count, batch_samples};
    Distances distances;
    double sum = 0;
    for (std::size_t b = 0; b < batches.count(); ++b) {
        const Range batch = batches[b];
        distances.take({samples[batch.begin], batch.size(), samples.width}, centres, threads);
        std::vector<double> sums(parts, 0.0);
        for_each_index(parts, threads, [&](std::size_t part) {
            std::vector<float> likelihoods(centres.count);
            const Range rows = part_of(batch.size(), parts, part);
            for (std::size_t i = rows.begin; i < rows.end; ++i) {
                const float greatest = log_likelihoods(distances[i], terms, likelihoods.data());
                sums[part] +=
                    static_cast<double>(greatest) +
                    std::log(static_cast<double>(exponentiate(greatest, centres.count, likelihoods.data())));
            }
        });
        for (const double each : sums) sum += each;
    }
    return -sum / (static_cast<double>(samples.width) * static_cast<double>(samples.count));
}

}  // namespace duet::models
