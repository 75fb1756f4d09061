#include <duet/models/training/moving_average.hpp>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/ops/arithmetic.hpp>

namespace duet::models {

MovingAverage::MovingAverage(const std::vector<Variable>& variables, double decay)
    : variables_(variables), decay_(decay) {
    if (!(decay >= 0 && decay <= 1))
        throw Error(fmt::format("moving average: a decay of {}; it is from 0 to 1", decay));
    for (const Variable& variable : variables)
        averages_.emplace_back("average." + variable.name(), variable.value());
}

UpdateRule MovingAverage::rule() const {
    return [*this](Graph& graph, const Updates& updates) {
        Updates further;
        for (const Update& update : updates)
            for (std::size_t i = 0; i < variables_.size(); ++i)
                if (variables_[i] == update.variable)
                    further.push_back({averages_[i],
                                       decay_ * graph.read(averages_[i]) + (1.0 - decay_) * update.value,
                                       update.where});
        return further;
    };
}

}  // namespace duet::models
