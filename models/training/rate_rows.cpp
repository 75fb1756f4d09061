#include <limits>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/graph/pieces.hpp>
#include <duet/models/rows.hpp>

namespace duet::models {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t most_steps = 1'000'000'000'000, most_images = 1'000'000'000'000'000;

Parameter steps(const char* key, const char* help, std::int64_t least, std::int64_t otherwise) {
    return {key, help, whole_number(least, most_steps), {{otherwise}}};
}

/// Of a rate that falls.
Parameter factor(double otherwise) {
    return {"factor", "above 0, at most 1", share_above_zero(), {{otherwise}}};
}

std::vector<Parameter> of_a_descent() {
    return {steps("steps", "of the descent; 0 for the whole training", 0, 0),
            {"images",
             "drawn during the descent, in place of its steps; 0 for not given",
             whole_number(0, most_images),
             {{std::int64_t{0}}}},
            {"last", "the rate at its end", number_from(0, infinity), {{0.0}}}};
}

std::uint64_t steps_of_descent(const Spec& spec, const TrainingLength& training) {
    const std::uint64_t steps = spec.whole("steps"), images = spec.whole("images");
    if (steps > 0 && images > 0)
        throw Error(fmt::format("the rate {} falls for {} steps and for {} images: give one of them",
                                spec.kind, steps, images));
    if (images > 0) return ceil_divide(images, training.batch);
    return steps > 0 ? steps : training.steps;
}

RateBuilder descends(RateSchedule (*schedule)(double, std::uint64_t, double, Where)) {
    return [=](const Catalogue&, const Spec& spec, double rate, TrainingLength training) {
        return schedule(rate, steps_of_descent(spec, training), spec.number("last"), {});
    };
}

RateBuilder of(RateSchedule (*schedule)(const Spec&, double)) {
    return
        [=](const Catalogue&, const Spec& spec, double rate, TrainingLength) { return schedule(spec, rate); };
}

}  // namespace

void add_rate_rows(Catalogue& catalogue) {
    catalogue.add({"rate", "constant", "the same at every step", "", {}, of([](const Spec&, double) {
                       return RateSchedule();
                   })});
    catalogue.add({"rate",
                   "step-decay",
                   "rate factor^floor(step / every)",
                   "PyTorch's StepLR",
                   {steps("every", "steps", 1, 1000), factor(0.5)},
                   of([](const Spec& spec, double rate) {
                       return step_decay(rate, spec.whole("every"), spec.number("factor"));
                   })});
    catalogue.add(
        {"rate",
         "exponential-decay",
         "rate factor^step",
         "PyTorch's ExponentialLR",
         {factor(0.9999)},
         of([](const Spec& spec, double rate) { return exponential_decay(rate, spec.number("factor")); })});
    catalogue.add({"rate", "cosine-decay", "half a cosine from the rate to the last one",
                   "Loshchilov and Hutter 2017; PyTorch's CosineAnnealingLR", of_a_descent(),
                   descends(cosine_decay)});
    catalogue.add({"rate", "linear-decay", "a line from the rate to the last one",
                   "PyTorch's LinearLR, from start_factor 1 to end_factor last / rate", of_a_descent(),
                   descends(linear_decay)});
    catalogue.add(
        {"rate",
         "linear-warmup",
         "rises from 0 in so many steps, then follows another schedule",
         "Goyal et al. 2017, section 2.2",
         {steps("steps", "of the rise", 1, 1000),
          {"then", "the schedule", spec_of("rate"), {{Spec{"constant", {}, {}}}}}},
         RateBuilder([](const Catalogue& all, const Spec& spec, double rate, TrainingLength training) {
             const Spec& then = spec.spec("then");
             const RateSchedule schedule = all.builder<RateBuilder>("rate", then)(all, then, rate, training);
             return linear_warmup(spec.whole("steps"), schedule ? schedule : constant_rate(rate));
         })});
}

}  // namespace duet::models
