#include <duet/autodiff/rate_schedule.hpp>

#include <cmath>
#include <limits>
#include <numbers>

#include <doctest/doctest.h>

#include <duet/graph/error.hpp>

using namespace duet;

TEST_CASE("schedules follow their closed forms") {
    const RateSchedule constant = constant_rate(0.3);
    const RateSchedule steps = step_decay(0.8, 10, 0.5);
    const RateSchedule exponential = exponential_decay(0.8, 0.9);
    const RateSchedule cosine = cosine_decay(0.8, 40, 0.2);
    const RateSchedule line = linear_decay(0.8, 40, 0.2), rise = linear_decay(0.1, 5, 0.6);
    for (std::uint64_t step = 0; step < 60; ++step) {
        const double t = static_cast<double>(step);
        CHECK(constant(step) == 0.3);
        CHECK(steps(step) == doctest::Approx(0.8 * std::pow(0.5, std::floor(t / 10))).epsilon(1e-14));
        CHECK(exponential(step) == doctest::Approx(0.8 * std::exp(t * std::log(0.9))).epsilon(1e-13));
        const double expected = 0.5 + 0.3 * std::cos(std::numbers::pi * std::fmin(t / 40, 1));
        CHECK(line(step) == doctest::Approx(0.8 - 0.6 * std::fmin(t / 40, 1)).epsilon(1e-14));
        CHECK(cosine(step) == doctest::Approx(expected).epsilon(1e-14));
    }
    CHECK(steps(9) == 0.8);
    CHECK(steps(10) == 0.4);
    CHECK(cosine(0) == 0.8);
    CHECK(cosine(40) == 0.2);
    CHECK(line(40) == 0.2);
    CHECK(rise(2) == doctest::Approx(0.3));
    CHECK(cosine_decay(1, 10)(std::numeric_limits<std::uint64_t>::max()) == 0);
}

TEST_CASE("a warm-up rises in a line to the schedule it leads to") {
    const RateSchedule warm = linear_warmup(4, step_decay(0.8, 3, 0.5));
    CHECK(warm(0) == doctest::Approx(0.2));
    CHECK(warm(1) == doctest::Approx(0.4));
    CHECK(warm(2) == doctest::Approx(0.6));
    CHECK(warm(3) == doctest::Approx(0.4));
    CHECK(warm(5) == doctest::Approx(0.4));
    CHECK(warm(6) == doctest::Approx(0.2));
}

TEST_CASE("schedules refuse what gives no rate") {
    CHECK_THROWS_AS(constant_rate(-1), Error);
    CHECK_THROWS_AS(constant_rate(std::nan("")), Error);
    CHECK_THROWS_AS(step_decay(1, 0, 0.5), Error);
    CHECK_THROWS_AS(step_decay(1, 1, 0), Error);
    CHECK_THROWS_AS(exponential_decay(1, 1.5), Error);
    CHECK_THROWS_AS(cosine_decay(1, 0), Error);
    CHECK_THROWS_AS(cosine_decay(1, 5, -1), Error);
    CHECK_THROWS_AS(linear_decay(1, 0), Error);
    CHECK_THROWS_AS(linear_decay(1, 5, -1), Error);
    CHECK_THROWS_AS(linear_warmup(0, constant_rate(1)), Error);
    CHECK_THROWS_AS(linear_warmup(5, nullptr), Error);
}
