#include <duet/models/training/moving_average.hpp>

#include <algorithm>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/ops/arithmetic.hpp>

namespace duet::models {

namespace {

std::function<Array()> value_of(const Variable& variable) {
    return [=] { return variable.value(); };
}

std::vector<Variable> new_averages(const std::vector<Variable>& variables) {
    std::vector<Variable> averages;
    averages.reserve(variables.size());
    for (const Variable& variable : variables)
        averages.emplace_back("average." + variable.name(), variable.shape(), value_of(variable));
    return averages;
}

const Update* find_update(const Updates& updates, const Variable& variable) {
    const auto found = std::find_if(updates.begin(), updates.end(),
                                    [&](const Update& update) { return update.variable == variable; });
    return found == updates.end() ? nullptr : &*found;
}

/// The update of a variable that a program with `updates` makes, given or owed; null without one.
const Update* made_update(const Graph& graph, const Updates& updates, const Variable& variable) {
    if (const Update* given = find_update(updates, variable)) return given;
    for (const OwedUpdate& owed : graph.owed_updates())
        if (owed.update.variable == variable &&
            std::any_of(owed.owed_by.begin(), owed.owed_by.end(),
                        [&](const Variable& trained) { return find_update(updates, trained) != nullptr; }))
            return &owed.update;
    return nullptr;
}

}  // namespace

MovingAverage::MovingAverage(const std::vector<Variable>& variables, const Decay& decay)
    : MovingAverage(variables, new_averages(variables), decay) {}

MovingAverage::MovingAverage(const std::vector<Variable>& variables, const std::vector<Variable>& averages,
                             const Decay& decay)
    : variables_(variables), averages_(averages), decay_(decay) {
    if (const auto* number = std::get_if<double>(&decay);
        number != nullptr && !(*number >= 0 && *number <= 1))
        throw Error(fmt::format("moving average: a decay of {}; it is from 0 to 1", *number));
    if (const auto* variable = std::get_if<Variable>(&decay);
        variable != nullptr && variable->shape() != Shape{})
        throw ShapeError(fmt::format("moving average: the decay {} has shape {}, but it is a scalar",
                                     variable->name(), to_string(variable->shape())));
    if (averages.size() != variables.size())
        throw Error(fmt::format("moving average: {} averages of {} variables; give each variable one",
                                averages.size(), variables.size()));
    for (std::size_t i = 0; i < variables.size(); ++i) {
        if (averages[i].shape() != variables[i].shape())
            throw ShapeError(fmt::format("moving average: {} has shape {}, but averages {}, of shape {}",
                                         averages[i].name(), to_string(averages[i].shape()),
                                         variables[i].name(), to_string(variables[i].shape())));
    }
}

UpdateRule MovingAverage::rule() const {
    return [*this](Graph& graph, const Updates& updates) {
        Operand kept = 0.0, added = 0.0;
        if (const auto* number = std::get_if<double>(&decay_)) {
            kept = *number;
            added = 1.0 - *number;
        } else {
            kept = graph.read(std::get<Variable>(decay_));
            added = 1.0 - kept;
        }
        Updates all = updates;
        for (std::size_t i = 0; i < variables_.size(); ++i)
            if (const Update* made = made_update(graph, updates, variables_[i]))
                all.push_back(
                    {averages_[i], kept * graph.read(averages_[i]) + added * made->value, made->where});
        return all;
    };
}

}  // namespace duet::models
