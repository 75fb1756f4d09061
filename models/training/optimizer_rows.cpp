#include <limits>

#include <duet/autodiff/adam.hpp>
#include <duet/autodiff/rms_prop.hpp>
#include <duet/autodiff/sgd.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/rows.hpp>

namespace duet::models {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t most_steps = 1'000'000'000'000;

Parameter rate(double otherwise) {
    return {"rate", "the learning rate", number_above(0), {{otherwise}}};
}

/// Of a rate that falls.
Parameter factor(double otherwise) {
    const Rule at_most_one = share();
    return {
        "factor",
        "above 0, at most 1",
        {"a number above 0 and at most 1", [above = number_above(0).accepts, most = at_most_one.accepts](
                                               const Value& value) { return above(value) && most(value); }},
        {{otherwise}}};
}

Parameter schedule() {
    return {"schedule", "how the rate changes", spec_of("rate"), {{Spec{"constant", {}, {}}}}};
}

Parameter decay(const char* key, const char* help, double otherwise) {
    return {key, help, number_from(0, 1), {{otherwise}}};
}

Parameter epsilon() {
    return {"epsilon", "added to the root of the mean squared gradient", number_from(0, infinity), {{1e-8}}};
}

template <class T, class Options>
OptimizerBuilder makes(Options (*options)(const Spec&)) {
    return
        [=](const std::string& name, const Spec& spec) { return std::make_shared<T>(name, options(spec)); };
}

void add_rates(Catalogue& catalogue) {
    const auto of = [](RateSchedule (*schedule)(const Spec&, double, std::uint64_t)) {
        return RateBuilder([=](const Catalogue&, const Spec& spec, double rate, std::uint64_t steps) {
            return schedule(spec, rate, steps);
        });
    };
    const auto steps = [](const char* key, const char* help, std::int64_t least, std::int64_t otherwise) {
        return Parameter{key, help, whole_number(least, most_steps), {{otherwise}}};
    };
    catalogue.add(
        {"rate", "constant", "the same at every step", "", {}, of([](const Spec&, double, std::uint64_t) {
             return RateSchedule();
         })});
    catalogue.add({"rate",
                   "step-decay",
                   "rate factor^floor(step / every)",
                   "PyTorch's StepLR",
                   {steps("every", "steps", 1, 1000), factor(0.5)},
                   of([](const Spec& spec, double rate, std::uint64_t) {
                       return step_decay(rate, spec.whole("every"), spec.number("factor"));
                   })});
    catalogue.add({"rate",
                   "exponential-decay",
                   "rate factor^step",
                   "PyTorch's ExponentialLR",
                   {factor(0.9999)},
                   of([](const Spec& spec, double rate, std::uint64_t) {
                       return exponential_decay(rate, spec.number("factor"));
                   })});
    catalogue.add({"rate",
                   "cosine-decay",
                   "half a cosine from the rate to the last one",
                   "Loshchilov and Hutter 2017; PyTorch's CosineAnnealingLR",
                   {steps("steps", "of the descent; 0 for the whole training", 0, 0),
                    {"last", "the rate at its end", number_from(0, infinity), {{0.0}}}},
                   of([](const Spec& spec, double rate, std::uint64_t training) {
                       const std::size_t steps = spec.whole("steps");
                       return cosine_decay(rate, steps == 0 ? training : steps, spec.number("last"));
                   })});
    catalogue.add(
        {"rate",
         "linear-warmup",
         "rises from 0 in so many steps, then follows another schedule",
         "Goyal et al. 2017, section 2.2",
         {steps("steps", "of the rise", 1, 1000),
          {"then", "the schedule", spec_of("rate"), {{Spec{"constant", {}, {}}}}}},
         RateBuilder([](const Catalogue& all, const Spec& spec, double rate, std::uint64_t training) {
             const Spec& then = spec.spec("then");
             const RateSchedule schedule = all.builder<RateBuilder>("rate", then)(all, then, rate, training);
             return linear_warmup(spec.whole("steps"), schedule ? schedule : constant_rate(rate));
         })});
}

}  // namespace

void add_optimizer_rows(Catalogue& catalogue) {
    catalogue.add(
        {"optimizer",
         "adam",
         "adaptive moments",
         "Kingma and Ba 2015",
         {rate(2e-4), decay("beta1", "how much of the mean gradient a step keeps", 0.5),
          decay("beta2", "how much of the mean squared gradient a step keeps", 0.999), epsilon(), schedule()},
         makes<Adam, AdamOptions>([](const Spec& spec) {
             return AdamOptions{spec.number("rate"), spec.number("beta1"), spec.number("beta2"),
                                spec.number("epsilon")};
         })});
    catalogue.add({"optimizer",
                   "sgd",
                   "gradient descent, with momentum above 0",
                   "PyTorch's SGD",
                   {rate(1e-2),
                    decay("momentum", "how much of the last step is kept", 0),
                    {"nesterov", "look ahead along the momentum", true_or_false(), {{false}}},
                    schedule()},
                   makes<Sgd, SgdOptions>([](const Spec& spec) {
                       if (spec.flag("nesterov") && spec.number("momentum") == 0)
                           throw Error("nesterov looks ahead along a momentum, which is 0: give one above 0");
                       return SgdOptions{spec.number("rate"), spec.number("momentum"), spec.flag("nesterov")};
                   })});
    catalogue.add({"optimizer",
                   "rms-prop",
                   "gradients over their root mean square",
                   "PyTorch's RMSprop",
                   {rate(1e-2),
                    decay("decay", "how much of the mean squared gradient a step keeps", 0.99),
                    epsilon(),
                    decay("momentum", "how much of the last step is kept", 0),
                    {"centered", "divide by the standard deviation", true_or_false(), {{false}}},
                    schedule()},
                   makes<RmsProp, RmsPropOptions>([](const Spec& spec) {
                       return RmsPropOptions{spec.number("rate"), spec.number("decay"),
                                             spec.number("epsilon"), spec.number("momentum"),
                                             spec.flag("centered")};
                   })});
    add_rates(catalogue);
}

}  // namespace duet::models
