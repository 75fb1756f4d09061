#include <duet/autodiff/rate_schedule.hpp>

#include <cmath>
#include <numbers>
#include <utility>

#include <fmt/format.h>

#include <duet/graph/error.hpp>

namespace duet {

namespace {

void check_rate(double rate, Where where) {
    if (!std::isfinite(rate) || rate < 0)
        throw Error(fmt::format("{}: a number of a schedule is {}, but must be finite and not negative",
                                to_string(where), rate));
}

void check_factor(double factor, Where where) {
    if (!(factor > 0 && factor <= 1))
        throw Error(fmt::format("{}: a schedule's factor is {}, but must be above zero and at most one",
                                to_string(where), factor));
}

void check_count(std::uint64_t count, Where where) {
    if (count == 0)
        throw Error(fmt::format("{}: a schedule must span at least one step, not zero", to_string(where)));
}

/// What `number` gives for the part of the steps that is done; `last` from their end on.
template <class Number>
RateSchedule descent(double rate, std::uint64_t steps, double last, Where where, const Number& number) {
    check_rate(rate, where);
    check_rate(last, where);
    check_count(steps, where);
    return [=](std::uint64_t step) {
        return step >= steps ? last : number(static_cast<double>(step) / static_cast<double>(steps));
    };
}

}  // namespace

RateSchedule constant_rate(double rate, Where where) {
    check_rate(rate, where);
    return [=](std::uint64_t) { return rate; };
}

RateSchedule step_decay(double rate, std::uint64_t every, double factor, Where where) {
    check_rate(rate, where);
    check_count(every, where);
    check_factor(factor, where);
    return [=](std::uint64_t step) {
        const std::uint64_t decays = step / every;
        return rate * std::pow(factor, static_cast<double>(decays));
    };
}

RateSchedule exponential_decay(double rate, double factor, Where where) {
    return step_decay(rate, 1, factor, where);
}

RateSchedule cosine_decay(double rate, std::uint64_t steps, double last, Where where) {
    return descent(rate, steps, last, where, [=](double part) {
        return last + (rate - last) * (1 + std::cos(std::numbers::pi * part)) / 2;
    });
}

RateSchedule linear_decay(double rate, std::uint64_t steps, double last, Where where) {
    return descent(rate, steps, last, where, [=](double part) { return rate + (last - rate) * part; });
}

RateSchedule linear_warmup(std::uint64_t steps, RateSchedule schedule, Where where) {
    check_count(steps, where);
    if (!schedule) throw Error(fmt::format("{}: the schedule to warm up to is empty", to_string(where)));
    return [steps, schedule = std::move(schedule)](std::uint64_t step) {
        const double rate = schedule(step);
        return step < steps ? rate * (static_cast<double>(step + 1) / static_cast<double>(steps)) : rate;
    };
}

}  // namespace duet
