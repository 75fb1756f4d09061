#include "continuation.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>

#include "checkpoints.hpp"

namespace duet::tools {

namespace {

/// What is measured is part of a training, since its metrics are columns of one file; how often is not.
Spec identity_of(const Spec& recipe) {
    Spec identity = recipe;
    for (const char* path : {"output", "steps", "data.path", "init.path"}) identity.erase(path);
    identity.erase(recipe.whole("evaluate.every") > 0 ? "evaluate.every" : "evaluate");
    return identity;
}

/// What a recipe schedules at a step: every rate, then every weight, then what else there is.
std::vector<double> scheduled(const models::Training& training, std::uint64_t step) {
    std::vector<double> all;
    for (const models::Phase& phase : training.phases) {
        all.push_back(phase.rate ? phase.rate(step) : 0);
        for (const models::Term& term : phase.terms) all.push_back(term.schedule ? term.schedule(step) : 0);
    }
    for (const models::Scheduled& each : training.scheduled) all.push_back(each.schedule(step));
    return all;
}

/// Whether two lengths of one training schedule alike where both run. Of a long one every so many steps are
/// looked at: a schedule that follows from the length differs nearly everywhere.
bool same_schedules(const models::Catalogue& catalogue, const Spec& a, const Spec& b) {
    constexpr std::uint64_t most_steps_looked_at = 10'000;
    const models::Model model = models::model_of(catalogue, a);
    const models::Training first = models::training_of(catalogue, a, model),
                           second = models::training_of(catalogue, b, model);
    const std::uint64_t steps = std::min(a.whole("steps"), b.whole("steps")),
                        stride = std::max<std::uint64_t>(1, steps / most_steps_looked_at);
    for (std::uint64_t step = 0; step < steps; step += stride)
        if (scheduled(first, step) != scheduled(second, step)) return false;
    return true;
}

}  // namespace

void check_same_training(const models::Catalogue& catalogue, const Spec& kept, const Spec& asked,
                         const std::filesystem::path& run) {
    const std::string choice = "give another folder, or --restart, which keeps the old run aside";
    const auto measures = [](const Spec& recipe) { return recipe.whole("evaluate.every") > 0; };
    if (const auto path = measures(kept) != measures(asked)
                              ? std::optional<std::string>("evaluate.every")
                              : first_difference(identity_of(kept), identity_of(asked))) {
        const auto shown = [&](const Spec& recipe) {
            constexpr std::string_view kind = ".kind";
            if (path->ends_with(kind)) return recipe.spec(path->substr(0, path->size() - kind.size())).kind;
            const Value* value = recipe.find(*path);
            return value == nullptr ? std::string("not given") : value_for_message(*value);
        };
        throw Error(fmt::format("--out: {} holds a run of another training: its {} is {}, here it is {}: {}",
                                run.string(), *path, shown(kept), shown(asked), choice));
    }
    if (kept.whole("steps") != asked.whole("steps") && !same_schedules(catalogue, kept, asked))
        throw Error(
            fmt::format("--out: {} holds a run of {} steps, here they are {}, and a schedule follows from "
                        "their number: {}",
                        run.string(), kept.whole("steps"), asked.whole("steps"), choice));
}

Spec recipe_in(const models::Catalogue& catalogue, const models::Checkpoint& checkpoint) {
    return catalogue.completed(written_recipe(checkpoint), "recipe", "");
}

std::optional<models::Checkpoint> go_on(const models::Catalogue& catalogue, const Spec& asked,
                                        const RunFolder& folder, models::Trainer& trainer, const Warn& warn) {
    std::optional<models::Checkpoint> checkpoint = newest_checkpoint(folder.checkpoints(), warn);
    if (!checkpoint) return checkpoint;
    check_same_training(catalogue, recipe_in(catalogue, *checkpoint), asked, folder.path());
    const std::uint64_t step = models::position_in(checkpoint->state.metadata).step,
                        steps = asked.whole("steps");
    if (step > steps)
        throw Error(fmt::format("--steps: the run in {} stands at step {} already, {} are asked for",
                                folder.path().string(), step, steps));
    if (checkpoint->notes.version != DUET_VERSION)
        warn(
            fmt::format("the run was begun by Duet {}, this is {}", checkpoint->notes.version, DUET_VERSION));
    if (checkpoint->notes.fingerprint != trainer.fingerprint())
        warn(
            "the steps are planned otherwise than by the Duet that began the run: its bits go on, those of "
            "an "
            "unbroken run may differ");
    try {
        trainer.state().restore(checkpoint->state);
        trainer.set_record(checkpoint->notes.metrics);
    } catch (const Error& error) {
        throw Error(fmt::format("--out: the checkpoint in {} is that of another training: {}",
                                folder.path().string(), error.what()));
    }
    trainer.take_snapshot();
    return checkpoint;
}

}  // namespace duet::tools
