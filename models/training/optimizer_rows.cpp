#include <algorithm>
#include <limits>

#include <duet/autodiff/adam.hpp>
#include <duet/autodiff/rms_prop.hpp>
#include <duet/autodiff/sgd.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/rows.hpp>

namespace duet::models {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Parameter rate(double otherwise) {
    return {"rate", "the learning rate", number_above(0), {{otherwise}}};
}

Parameter schedule() {
    return {"schedule", "how the rate changes", spec_of("rate"), {{Spec{"constant", {}, {}}}}};
}

Parameter constraints() {
    return {"constraints",
            "what gradients and weights keep to",
            specs_of("constraint"),
            {{std::vector<Value>{}}}};
}

Parameter decay(const char* key, const char* help, double otherwise) {
    return {key, help, number_from(0, 1), {{otherwise}}};
}

Parameter epsilon() {
    return {"epsilon", "added to the root of the mean squared gradient", number_from(0, infinity), {{1e-8}}};
}

/// Whether a number below 1 that follows the schedule stays below 1: none rises but to its `last`.
bool ends_below_one(const Spec& schedule) {
    const Value* last = schedule.find("last");
    const Value* then = schedule.find("then");
    const Spec* next = then == nullptr ? nullptr : std::get_if<Spec>(&then->is);
    return (last == nullptr || number_from(0, 1).accepts(*last)) &&
           (next == nullptr || ends_below_one(*next));
}

Parameter beta2_schedule() {
    Rule rule = spec_of("rate");
    rule.expected += ", whose last number is at least 0 and below 1";
    rule.accepts = [](const Value& value) {
        const auto* spec = std::get_if<Spec>(&value.is);
        return spec != nullptr && ends_below_one(*spec);
    };
    return {"beta2_schedule", "how beta2 changes", rule, {{Spec{"constant", {}, {}}}}};
}

std::vector<Parameter> of_adam(std::vector<Parameter> more) {
    std::vector<Parameter> parameters{
        rate(2e-4), decay("beta1", "how much of the mean gradient a step keeps", 0.5),
        decay("beta2", "how much of the mean squared gradient a step keeps", 0.999), epsilon()};
    std::move(more.begin(), more.end(), std::back_inserter(parameters));
    parameters.insert(parameters.end(), {schedule(), beta2_schedule(), constraints()});
    return parameters;
}

AdamOptions adam_options(const Spec& spec) {
    AdamOptions options{spec.number("rate"), spec.number("beta1"), spec.number("beta2"),
                        spec.number("epsilon")};
    options.scheduled_beta2 = spec.spec("beta2_schedule").kind != "constant";
    return options;
}

template <class T, class Options>
OptimizerBuilder makes(Options (*options)(const Spec&)) {
    return
        [=](const std::string& name, const Spec& spec) { return std::make_shared<T>(name, options(spec)); };
}

}  // namespace

void add_optimizer_rows(Catalogue& catalogue) {
    catalogue.add({"optimizer", "adam", "adaptive moments", "Kingma and Ba 2015", of_adam({}),
                   makes<Adam, AdamOptions>(adam_options)});
    catalogue.add({"optimizer", "adam-w", "adaptive moments, and weights that decay apart from the gradient",
                   "Loshchilov and Hutter 2019, algorithm 2; PyTorch's AdamW",
                   of_adam({{"weight_decay",
                             "how much of a weight a step takes away, times the rate",
                             number_from(0, infinity),
                             {{0.01}}}}),
                   makes<Adam, AdamOptions>([](const Spec& spec) {
                       AdamOptions options = adam_options(spec);
                       options.weight_decay = spec.number("weight_decay");
                       return options;
                   })});
    catalogue.add({"optimizer",
                   "sgd",
                   "gradient descent, with momentum above 0",
                   "PyTorch's SGD",
                   {rate(1e-2),
                    decay("momentum", "how much of the last step is kept", 0),
                    {"nesterov", "look ahead along the momentum", true_or_false(), {{false}}},
                    schedule(),
                    constraints()},
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
                    schedule(),
                    constraints()},
                   makes<RmsProp, RmsPropOptions>([](const Spec& spec) {
                       return RmsPropOptions{spec.number("rate"), spec.number("decay"),
                                             spec.number("epsilon"), spec.number("momentum"),
                                             spec.flag("centered")};
                   })});
}

}  // namespace duet::models
