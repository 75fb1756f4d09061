#include <duet/models/metrics/estimate.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/data/permutation.hpp>
#include <duet/graph/error.hpp>
#include <duet/graph/runtime/thread_pool.hpp>

namespace duet::models {

namespace {

constexpr double blocks = jackknife_blocks;
/// The 97.5 % quantile of Student's t with 19 degrees of freedom.
constexpr double t_quantile = 2.0930240544082634;

double mean_without(const Jackknife& of) {
    double sum = 0;
    for (const double value : of.without) sum += value;
    return sum / blocks;
}

}  // namespace

std::vector<std::uint8_t> jackknife_block_of(std::size_t n) {
    std::vector<std::uint8_t> block(n);
    if (n == 0) return block;
    const Permutation permutation(n, 0, 0);
    for (std::size_t i = 0; i < n; ++i)
        block[i] = static_cast<std::uint8_t>(permutation(i) % jackknife_blocks);
    return block;
}

double Jackknife::standard_error() const {
    const double mean = mean_without(*this);
    double squares = 0;
    for (const double each : without) squares += (each - mean) * (each - mean);
    return std::sqrt((blocks - 1) / blocks * squares);
}

Estimate Jackknife::estimate() const {
    const double at = corrected ? blocks * value - (blocks - 1) * mean_without(*this) : value;
    const double half = t_quantile * standard_error();
    return {at, at - half, at + half};
}

Jackknife operator-(const Jackknife& a, const Jackknife& b) {
    Jackknife difference{a.value - b.value, {}, a.corrected};
    for (std::size_t i = 0; i < jackknife_blocks; ++i) difference.without[i] = a.without[i] - b.without[i];
    return difference;
}

void check_samples(const Samples& samples, const char* what) {
    if (samples.dimension() != 2 || samples.shape()[1] == 0)
        throw Error(fmt::format("the {} samples have {} axes; expected (n, d), a row a sample", what,
                                samples.dimension()));
    const std::size_t n = samples.shape()[0], d = samples.shape()[1];
    if (n < 2 * jackknife_blocks)
        throw Error(fmt::format("{} {} samples; at least {} are needed for an interval", n, what,
                                2 * jackknife_blocks));
    const double* const end = samples.data() + samples.size();
    const double* const broken =
        std::find_if_not(samples.data(), end, [](double value) { return std::isfinite(value); });
    if (broken != end)
        throw Error(fmt::format("{} sample {} holds {} at place {}: it is not finite", what,
                                static_cast<std::size_t>(broken - samples.data()) / d, *broken,
                                static_cast<std::size_t>(broken - samples.data()) % d));
}

void check_pair(const Samples& real, const Samples& fake) {
    check_samples(real, "real");
    check_samples(fake, "fake");
    if (real.shape()[1] != fake.shape()[1])
        throw Error(
            fmt::format("real samples have {} values, fake ones {}: they must come from the same network",
                        real.shape()[1], fake.shape()[1]));
}

void check_sides(const Samples& train, const Samples& held_out, const Samples& fake) {
    check_samples(train, "training");
    check_samples(held_out, "held-out");
    check_samples(fake, "fake");
    const std::size_t width = train.shape()[1];
    if (held_out.shape()[1] != width || fake.shape()[1] != width)
        throw Error(fmt::format(
            "training samples have {} values, held-out ones {}, fake ones {}: they must come from "
            "the same network",
            width, held_out.shape()[1], fake.shape()[1]));
}

void for_each_index(std::size_t count, std::size_t threads, const std::function<void(std::size_t)>& work) {
    ThreadPool pool(std::min(threads, count));
    std::atomic<std::size_t> next = 0;
    std::vector<std::exception_ptr> failures(count);
    pool.run([&](std::size_t) {
        for (std::size_t i = next++; i < count; i = next++) {
            try {
                work(i);
            } catch (...) {
                failures[i] = std::current_exception();
            }
        }
    });
    for (const std::exception_ptr& failure : failures)
        if (failure) std::rethrow_exception(failure);
}

}  // namespace duet::models
