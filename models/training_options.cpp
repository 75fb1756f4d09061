#include <duet/models/training_options.hpp>

#include <fmt/format.h>

#include <duet/graph/error.hpp>

namespace duet::models {

Schedule schedule_by_name(const std::string& name) {
    if (name == "documented") return Schedule::documented;
    if (name == "alternating") return Schedule::alternating;
    throw Error(fmt::format("schedule \"{}\" is unknown; known are documented, alternating", name));
}

Penalty penalty_by_name(const std::string& name) {
    if (name == "none") return Penalty::none;
    if (name == "r1") return Penalty::r1;
    if (name == "gp") return Penalty::gradient;
    throw Error(fmt::format("penalty \"{}\" is unknown; known are none, r1, gp", name));
}

std::string_view name_of(Schedule schedule) {
    return schedule == Schedule::documented ? "documented" : "alternating";
}

std::string_view name_of(Penalty penalty) {
    switch (penalty) {
        case Penalty::r1:
            return "r1";
        case Penalty::gradient:
            return "gp";
        case Penalty::none:
            break;
    }
    return "none";
}

TrainingOptions default_options(ModelKind kind) {
    TrainingOptions options;
    if (kind == ModelKind::mlp) return options;
    options.schedule = Schedule::alternating;
    if (kind == ModelKind::resnet) {
        constexpr double weight = 10;
        constexpr std::size_t batch = 64;
        options.penalty_weight = weight;
        options.adam = {1e-4, 0.0, 0.99, 1e-8};
        options.batch = batch;
    } else {
        options.penalty = Penalty::none;
    }
    return options;
}

TrainingOptions with_gradient_penalty(TrainingOptions options) {
    constexpr double weight = 10;
    constexpr std::size_t critic_steps = 5, batch = 64;
    options.schedule = Schedule::alternating;
    options.penalty = Penalty::gradient;
    options.penalty_weight = weight;
    options.discriminator_steps = critic_steps;
    options.adam = {1e-4, 0.0, 0.9, 1e-8};
    options.batch = batch;
    return options;
}

}  // namespace duet::models
