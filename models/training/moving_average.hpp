#pragma once

#include <vector>

#include <duet/models/training/training.hpp>

namespace duet::models {

/// An exponential moving average of variables, made where they are trained: after each step
///   average <- decay average + (1 - decay) value
/// of the values that the step makes. It starts as the variables are. The averages are variables
/// "average.<name>", which a training keeps in its State; generators are often drawn from with them (Yazici
/// et al. 2019).
class MovingAverage {
 public:
    /// Throws Error for a decay outside [0, 1].
    MovingAverage(const std::vector<Variable>& variables, double decay);

    /// For Phase::updates.
    UpdateRule rule() const;
    /// The averages, in the order of the variables.
    const std::vector<Variable>& averages() const { return averages_; }

 private:
    std::vector<Variable> variables_, averages_;
    double decay_;
};

}  // namespace duet::models
