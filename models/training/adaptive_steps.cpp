#include <duet/models/training/adaptive_steps.hpp>

#include <algorithm>
#include <array>

#include <duet/models/training/view.hpp>
#include <duet/ops/comparison.hpp>
#include <duet/ops/reduce.hpp>

namespace duet::models {

namespace {

constexpr std::array<std::size_t, 9> levels = {1, 2, 5, 10, 20, 50, 100, 200, 500};
constexpr const char* metric = "fake_accuracy";
constexpr double kept = 0.99;

double value_of(const Variable& variable) {
    return static_cast<double>(*variable.data());
}

/// A count in a variable, which a file may have set to anything finite.
std::size_t count_in(const Variable& variable, std::size_t most) {
    return static_cast<std::size_t>(std::clamp(value_of(variable), 0.0, static_cast<double>(most)));
}

}  // namespace

AdaptiveSteps::AdaptiveSteps(const AdaptiveStepsOptions& options)
    : options_(options),
      accuracy_("schedule.accuracy", Shape{}, 1.0F),
      level_("schedule.level", Shape{}, 0.0F),
      held_("schedule.held", Shape{}, 0.0F) {}

std::size_t AdaptiveSteps::repeats() const {
    return levels[count_in(level_, levels.size() - 1)];
}

void AdaptiveSteps::see(const Record& record) {
    const bool first = record.step == 1;
    const double accuracy = first ? record[metric] : kept * value_of(accuracy_) + (1 - kept) * record[metric];
    const std::size_t level = count_in(level_, levels.size() - 1), held = count_in(held_, options_.hold) + 1;
    const bool more = accuracy <= options_.threshold && held >= options_.hold && level + 1 < levels.size() &&
                      levels[level + 1] <= options_.most;
    accuracy_.fill(static_cast<float>(accuracy));
    level_.fill(static_cast<float>(more ? level + 1 : level));
    held_.fill(static_cast<float>(more ? 0 : std::min(held, options_.hold)));
}

Term AdaptiveSteps::fake_accuracy() {
    return {metric, [](View& view) { return mean(less(view.fake_score(), 0.0)); }};
}

}  // namespace duet::models
