#include <duet/models/training/recipe.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/models/training/fitting.hpp>
#include <duet/models/training/view.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/shape_ops.hpp>

namespace duet::models {

namespace {

/// The schedule that stands in `group` beside the number that it changes; none where it is constant.
RateSchedule schedule_in(const Catalogue& catalogue, const Spec& recipe, const Spec& group, double from) {
    const Spec& schedule = group.spec("schedule");
    return catalogue.builder<RateBuilder>("rate", schedule)(catalogue, schedule, from, recipe.whole("steps"));
}

/// The optimizer of a network under penalties that count in every k-th step alone: its Adam sees k / (k + 1)
/// of the steps that a lazy regulariser's own would make (Karras et al. 2020, appendix B).
Spec rescaled(Spec optimizer, const std::vector<Spec>& penalties) {
    std::size_t every = 1;
    for (const Spec& penalty : penalties)
        if (const std::size_t k = penalty.whole("every"); k > 1) every = every == 1 ? k : std::min(every, k);
    if (every == 1 || !optimizer.has("beta1")) return optimizer;
    const double share = static_cast<double>(every) / static_cast<double>(every + 1);
    optimizer.set("rate", {share * optimizer.number("rate")});
    for (const char* beta : {"beta1", "beta2"})
        optimizer.set(beta, {std::pow(optimizer.number(beta), share)});
    return optimizer;
}

/// A phase of one network, which carries its name.
Phase phase_of(const Catalogue& catalogue, const Spec& recipe, const std::string& name,
               const std::vector<Spec>& penalties = {}) {
    Phase phase{name, {name}, {}};
    about(recipe, "optimizers." + name, [&] {
        const Spec spec = rescaled(recipe.spec("optimizers." + name), penalties);
        phase.optimizer = catalogue.builder<OptimizerBuilder>("optimizer", spec)(
            fmt::format("{}_{}", name, spec.kind), spec);
        phase.rate = schedule_in(catalogue, recipe, spec, spec.number("rate"));
    });
    return phase;
}

/// A penalty that counts in every k-th step counts k times there, so that its mean over the steps stays.
Term penalty_of(const Catalogue& catalogue, const Spec& recipe, const Spec& penalty) {
    Term term = catalogue.builder<PenaltyBuilder>("penalty", penalty)(penalty);
    term.weight = penalty.number("weight") * static_cast<double>(term.every);
    term.schedule = schedule_in(catalogue, recipe, penalty, term.weight);
    return term;
}

void add_transform(const Catalogue& catalogue, const Spec& recipe, const Spec& spec, Training& training) {
    const TransformBuilder& builder = catalogue.builder<TransformBuilder>("transform", spec);
    const std::string label = fmt::format("transforms.{}.{}", training.transforms.size(), spec.kind);
    std::optional<Variable> strength;
    const double value = spec.number(builder.strength);
    if (const RateSchedule schedule = schedule_in(catalogue, recipe, spec, value)) {
        strength.emplace(label + "." + builder.strength, Shape{}, static_cast<float>(value));
        training.scheduled.push_back({*strength, schedule});
    }
    training.transforms.push_back(
        [=, apply = builder.apply, format = training.images](const Tensor& images, const std::string& name) {
            Graph& graph = images.graph();
            const Shape maps{images.shape()[0], format.channels, format.height, format.width};
            const Tensor changed = apply(format.flat ? reshape(images, maps) : images, spec,
                                         strength ? graph.read(*strength) : Tensor(), label + "." + name);
            return format.flat ? reshape(changed, images.shape()) : changed;
        });
}

}  // namespace

Training training_of(const Catalogue& catalogue, const Spec& recipe, const Model& model) {
    const std::vector<Spec> penalties = recipe.specs("penalties");
    Phase generator = phase_of(catalogue, recipe, "generator"),
          discriminator = phase_of(catalogue, recipe, "discriminator", penalties);
    const Spec& loss = recipe.spec("loss");
    LossTerms terms = catalogue.builder<LossBuilder>("loss", loss)(loss);
    generator.terms = {std::move(terms.generator)};
    discriminator.terms = {std::move(terms.discriminator)};
    for (const Spec& penalty : penalties)
        discriminator.terms.push_back(penalty_of(catalogue, recipe, penalty));
    discriminator.watched = {
        {"real_probability", [](View& view) { return mean(sigmoid(view.real_score())); }},
        {"fake_probability", [](View& view) { return mean(sigmoid(view.fake_score())); }}};
    Training training;
    training.networks = model.networks;
    training.images = model.images;
    training.latent = model.latent;
    training.phases = {std::move(generator), std::move(discriminator)};
    training.batch = recipe.whole("batch");
    training.seed = recipe.whole("seed");
    training.bounded_scores = terms.bounded_scores;
    training.packing = recipe.whole("packing");
    for (const Spec& transform : recipe.specs("transforms"))
        add_transform(catalogue, recipe, transform, training);
    const Spec& schedule = recipe.spec("schedule");
    catalogue.builder<StagesBuilder>("schedule", schedule)(schedule, training);
    return training;
}

}  // namespace duet::models
