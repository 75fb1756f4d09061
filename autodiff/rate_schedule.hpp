#pragma once

#include <cstdint>
#include <functional>

#include <duet/graph/where.hpp>

namespace duet {

/// A number that changes with the steps, counted from zero: a learning rate, as in
/// `optimizer.set_rate(schedule(step))`, the weight of a penalty, a decay. The builders throw Error for a
/// number that is negative or not finite, a factor outside (0, 1], or a count of zero.
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
/// rate + (last - rate) step / steps; `last` from step `steps` on. It is torch's LinearLR of start_factor 1,
/// end_factor last / rate and total_iters steps; where `last` is 0, its PolynomialLR of power 1 too.
RateSchedule linear_decay(double rate, std::uint64_t steps, double last = 0.0, Where where = {});
/// `schedule` times (step + 1) / steps during the first `steps` steps, and as it is afterwards.
RateSchedule linear_warmup(std::uint64_t steps, RateSchedule schedule, Where where = {});

}  // namespace duet
