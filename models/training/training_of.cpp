#include <duet/models/training/recipe.hpp>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/models/training/view.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/reduce.hpp>

namespace duet::models {

namespace {

/// A phase of one network, which carries its name.
Phase phase_of(const Catalogue& catalogue, const Spec& recipe, const std::string& name) {
    const Spec& spec = recipe.spec("optimizers." + name);
    Phase phase{name, {name}, {}};
    const Spec& schedule = spec.spec("schedule");
    try {
        phase.optimizer = catalogue.builder<OptimizerBuilder>("optimizer", spec)(
            fmt::format("{}_{}", name, spec.kind), spec);
        phase.rate = catalogue.builder<RateBuilder>("rate", schedule)(
            catalogue, schedule, spec.number("rate"),
            TrainingLength{recipe.whole("steps"), recipe.whole("batch")});
        for (const Spec& constraint : spec.specs("constraints"))
            catalogue.builder<ConstraintBuilder>("constraint", constraint)(constraint, phase);
    } catch (const Error& error) {
        throw Error(fmt::format("{}{}optimizers.{}: {}", spec.from, spec.from.empty() ? "" : ": ", name,
                                error.what()));
    }
    return phase;
}

}  // namespace

Training training_of(const Catalogue& catalogue, const Spec& recipe, const Model& model) {
    Phase generator = phase_of(catalogue, recipe, "generator"),
          discriminator = phase_of(catalogue, recipe, "discriminator");
    const Spec& loss = recipe.spec("loss");
    LossTerms terms = catalogue.builder<LossBuilder>("loss", loss)(loss);
    generator.terms = {std::move(terms.generator)};
    discriminator.terms = {std::move(terms.discriminator)};
    for (const Spec& penalty : recipe.specs("penalties"))
        discriminator.terms.push_back(catalogue.builder<PenaltyBuilder>("penalty", penalty)(penalty));
    discriminator.watched = {
        {"real_probability", [](View& view) { return mean(sigmoid(view.real_score())); }},
        {"fake_probability", [](View& view) { return mean(sigmoid(view.fake_score())); }}};
    const Spec& schedule = recipe.spec("schedule");
    Training training;
    training.networks = model.networks;
    training.images = model.images;
    training.latent = model.latent;
    training.phases = {std::move(generator), std::move(discriminator)};
    training.stages = catalogue.builder<StagesBuilder>("schedule", schedule)(schedule);
    training.batch = recipe.whole("batch");
    training.seed = recipe.whole("seed");
    return training;
}

}  // namespace duet::models
