#include <duet/models/metrics/spread.hpp>

#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

namespace duet::models {

namespace {

/// P(|t| < sqrt(degrees) tan(angle)), Abramowitz and Stegun 26.7.3 and 26.7.4.
double share_within(double angle, std::size_t degrees) {
    const double cosine = std::cos(angle);
    const bool odd = degrees % 2 == 1;
    double term = odd ? cosine : 1, sum = 0;
    for (std::size_t k = odd ? 3 : 2; k <= degrees; k += 2) {
        sum += term;
        term *= cosine * cosine * static_cast<double>(k - 1) / static_cast<double>(k);
    }
    const double inner = std::sin(angle) * sum;
    return odd ? 2 / std::numbers::pi * (angle + inner) : inner;
}

}  // namespace

double student_quantile(std::size_t degrees) {
    constexpr double share = 0.95;
    constexpr int halvings = 60;
    double low = 0, high = std::numbers::pi / 2;
    for (int i = 0; i < halvings; ++i) {
        const double middle = (low + high) / 2;
        (share_within(middle, degrees) < share ? low : high) = middle;
    }
    return std::sqrt(static_cast<double>(degrees)) * std::tan(low);
}

Spread spread_of(std::span<const double> values) {
    constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
    const auto n = static_cast<double>(values.size());
    Spread spread{values.size(), unknown, unknown, unknown, unknown};
    if (values.empty()) return spread;
    spread.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
    if (values.size() < 2) return spread;
    double squares = 0;
    for (const double value : values) squares += (value - spread.mean) * (value - spread.mean);
    spread.standard_error = std::sqrt(squares / (n - 1) / n);
    const double half = student_quantile(values.size() - 1) * spread.standard_error;
    spread.low = spread.mean - half;
    spread.high = spread.mean + half;
    return spread;
}

}  // namespace duet::models
