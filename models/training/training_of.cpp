#include <duet/models/training/recipe.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/models/networks/spectral_norm.hpp>
#include <duet/models/training/fitting.hpp>
#include <duet/models/training/moving_average.hpp>
#include <duet/models/training/view.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/shape_ops.hpp>

namespace duet::models {

namespace {

/// A schedule whose every number is `share` of itself, or its power of `share`: both ends of it.
void rescale(Spec& schedule, double share, bool power) {
    if (schedule.has("last")) {
        const double last = schedule.number("last");
        schedule.set("last", {power ? std::pow(last, share) : share * last});
    }
    if (!schedule.has("then")) return;
    Spec then = schedule.spec("then");
    rescale(then, share, power);
    schedule.set("then", {then});
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
    for (const char* key : {"schedule", "beta2_schedule"}) {
        Spec schedule = optimizer.spec(key);
        rescale(schedule, share, key == std::string_view("beta2_schedule"));
        optimizer.set(key, {schedule});
    }
    return optimizer;
}

/// A phase of one network, which carries its name.
Phase phase_of(const Catalogue& catalogue, const Spec& recipe, const std::string& name,
               const std::vector<Spec>& penalties, std::vector<Scheduled>& scheduled) {
    Phase phase{name, {name}, {}};
    about(recipe, "optimizers." + name, [&] {
        const Spec spec = rescaled(recipe.spec("optimizers." + name), penalties);
        give_optimizer(catalogue, spec, fmt::format("{}_{}", name, spec.kind), length_of(recipe), phase,
                       scheduled);
    });
    return phase;
}

/// A penalty that counts in every k-th step counts k times there, so that its mean over the steps stays.
Term penalty_of(const Catalogue& catalogue, const Spec& recipe, const Spec& penalty) {
    Term term = catalogue.builder<PenaltyBuilder>("penalty", penalty)(penalty);
    const double weight = penalty.number("weight"), times = static_cast<double>(term.every);
    term.weight = times * weight;
    if (const RateSchedule schedule = schedule_in(catalogue, penalty, "schedule", weight, length_of(recipe)))
        term.schedule = [=](std::uint64_t step) { return times * schedule(step); };
    return term;
}

/// Adds the penalties to a phase's terms; the second one of a name is "<name>_2".
void add_penalties(const Catalogue& catalogue, const Spec& recipe, Phase& phase) {
    const std::vector<Spec> penalties = recipe.specs("penalties");
    for (std::size_t i = 0; i < penalties.size(); ++i)
        about(recipe, fmt::format("penalties.{}", i), [&] {
            Term term = penalty_of(catalogue, recipe, penalties[i]);
            const auto alike =
                std::count_if(penalties.begin(), penalties.begin() + static_cast<std::ptrdiff_t>(i),
                              [&](const Spec& before) { return before.kind == penalties[i].kind; });
            if (alike > 0) term.name += fmt::format("_{}", alike + 1);
            phase.terms.push_back(std::move(term));
        });
}

void add_transform(const Catalogue& catalogue, const Spec& recipe, const Spec& spec, Training& training) {
    const TransformBuilder& builder = catalogue.builder<TransformBuilder>("transform", spec);
    const std::string label = fmt::format("transforms.{}.{}", training.transforms.size(), spec.kind);
    const ImageFormat& format = training.images;
    Graph tried(training.seed);
    const Tensor input = tried.input("images", {1, format.channels, format.height, format.width});
    if (builder.apply(input, spec, Tensor(), label).id() == input.id())
        throw Error(fmt::format("{} changes no pixel of images of {}x{}: give it more, or leave it out",
                                spec.kind, format.height, format.width));
    std::optional<Variable> strength;
    const double value = spec.number(builder.strength);
    if (const RateSchedule schedule = schedule_in(catalogue, spec, "schedule", value, length_of(recipe))) {
        strength.emplace(label + "." + builder.strength, Shape{}, static_cast<float>(value));
        training.scheduled.push_back({*strength, schedule});
    }
    training.transforms.push_back(
        [=, apply = builder.apply, format = format](const Tensor& images, const std::string& name) {
            Graph& graph = images.graph();
            const Shape maps{images.shape()[0], format.channels, format.height, format.width};
            const Tensor changed = apply(format.flat ? reshape(images, maps) : images, spec,
                                         strength ? graph.read(*strength) : Tensor(), label + "." + name);
            return format.flat ? reshape(changed, images.shape()) : changed;
        });
}

/// What of a network is averaged: all but the vectors of spectral normalisation, whose means have no meaning.
struct Averaged {
    explicit Averaged(const Network& network) : values(network.variables()) {
        for (const Variable& statistic : network.statistics())
            (is_power_vector(statistic.name()) ? vectors : values).push_back(statistic);
    }
    std::vector<Variable> values, vectors;
};

/// The average of the generator's weights moves wherever they do.
void add_average(const Spec& recipe, const Model& model, Training& training) {
    const Network* average = model.average();
    if (average == nullptr) {
        about(recipe, "average.warm_up", [&] {
            if (!recipe.flag("average.warm_up"))
                throw Error("is of an average, and average.decay is 0, so that there is none");
        });
        return;
    }
    const double decay = recipe.number("average.decay");
    MovingAverage::Decay kept = decay;
    if (recipe.flag("average.warm_up")) {
        const Variable present("average.decay", Shape{}, 0.0F);
        training.scheduled.push_back({present, [=](std::uint64_t step) {
                                          const auto past = static_cast<double>(step);
                                          return std::min(decay, (1 + past) / (10 + past));
                                      }});
        kept = present;
    }
    const Averaged trained(model.generator()), averaged(*average);
    for (Phase& phase : training.phases)
        if (phase.name == "generator") {
            phase.updates.push_back(MovingAverage(trained.values, averaged.values, kept).rule());
            phase.updates.push_back(MovingAverage(trained.vectors, averaged.vectors, 0.0).rule());
        }
}

}  // namespace

Training training_of(const Catalogue& catalogue, const Spec& recipe, const Model& model) {
    const std::vector<Spec> penalties = recipe.specs("penalties");
    Training training;
    Phase generator = phase_of(catalogue, recipe, "generator", {}, training.scheduled),
          discriminator = phase_of(catalogue, recipe, "discriminator", penalties, training.scheduled);
    const Spec& loss = recipe.spec("loss");
    LossTerms terms = catalogue.builder<LossBuilder>("loss", loss)(loss);
    generator.terms = {std::move(terms.generator)};
    discriminator.terms = {std::move(terms.discriminator)};
    add_penalties(catalogue, recipe, discriminator);
    discriminator.watched = {
        {"real_probability", [](View& view) { return mean(sigmoid(view.real_score())); }},
        {"fake_probability", [](View& view) { return mean(sigmoid(view.fake_score())); }}};
    training.networks = model.networks;
    training.images = model.images;
    training.latent = model.latent;
    training.phases = {std::move(generator), std::move(discriminator)};
    training.batch = recipe.whole("batch");
    training.seed = recipe.whole("seed");
    training.packing = recipe.whole("packing");
    const std::vector<Spec> transforms = recipe.specs("transforms");
    for (std::size_t i = 0; i < transforms.size(); ++i)
        about(recipe, fmt::format("transforms.{}", i),
              [&] { add_transform(catalogue, recipe, transforms[i], training); });
    add_average(recipe, model, training);
    const Spec& schedule = recipe.spec("schedule");
    catalogue.builder<StagesBuilder>("schedule", schedule)(schedule, training);
    return training;
}

}  // namespace duet::models
