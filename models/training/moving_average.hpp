#pragma once

#include <variant>
#include <vector>

#include <duet/models/training/training.hpp>

namespace duet::models {

/// An exponential moving average of variables, made where they are trained: at each update of theirs
///   average <- decay average + (1 - decay) value
/// of the value that it makes, as torch.optim.swa_utils.get_ema_multi_avg_fn does; generators are
/// often drawn from with it (Yazici et al. 2019). Running statistics are averaged too, where the program owes
/// their update.
class MovingAverage {
 public:
    /// A number from 0 to 1, or a scalar variable that is set to such numbers between the steps.
    using Decay = std::variant<double, Variable>;

    /// The averages are variables "average.<name>", which a training keeps in its State and which start as
    /// copies of the variables, taken when they are first read. Throws Error for a
    /// decay outside [0, 1], and ShapeError for one that is no scalar.
    MovingAverage(const std::vector<Variable>& variables, const Decay& decay);
    /// The averages are these, one a variable, such as those of a second network, and go on from what they
    /// hold. Throws as above, Error for
    /// another number of them, and ShapeError for one of another shape than its variable.
    MovingAverage(const std::vector<Variable>& variables, const std::vector<Variable>& averages,
                  const Decay& decay);

    /// For Phase::updates: adds the averages of what the updates so far make of the variables. One that they
    /// do not change is left alone.
    UpdateRule rule() const;
    /// The averages, in the order of the variables.
    const std::vector<Variable>& averages() const { return averages_; }

 private:
    std::vector<Variable> variables_, averages_;
    Decay decay_;
};

}  // namespace duet::models
