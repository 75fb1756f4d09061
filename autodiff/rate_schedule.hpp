#pragma once

#include <cstdint>
#include <functional>

#include <duet/graph/where.hpp>

namespace duet {

/// The learning rate of each step, counted from zero: `optimizer.set_rate(schedule(step))`. The builders
/// throw Error for a rate that is negative or not finite, a factor outside (0, 1], or a count of zero.
using RateSchedule = std::function<double(std::uint64_t step)>;

/// `rate` at every step.
RateSchedule constant_rate(double rate, Where where = {});
/// rate * factor^floor(step / every), as torch's StepLR.
RateSchedule step_decay(double rate, std::uint64_t every, double factor, Where where = {});
/// rate * factor^step, as torch's ExponentialLR.
RateSchedule exponential_decay(double rate, double factor, Where where = {});
/// last + (rate - last) (1 + cos(pi step / steps)) / 2, as torch's CosineAnnealingLR; `last` from step
/// `steps` on.
RateSchedule cosine_decay(double rate, std::uint64_t steps, double last = 0.0, Where where = {});
/// `schedule` times (step + 1) / steps during the first `steps` steps, and as it is afterwards.
RateSchedule linear_warmup(std::uint64_t steps, RateSchedule schedule, Where where = {});

}  // namespace duet
