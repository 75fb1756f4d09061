#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <duet/data/safetensors.hpp>
#include <duet/graph/variable.hpp>

namespace duet::models {

/// Where a training stands.
struct Position {
    std::uint64_t step = 0;   ///< steps done
    std::uint64_t draw = 0;   ///< the number that the next run draws with
    std::uint64_t batch = 0;  ///< the batch that the next stage takes that reads images
};

/// All that a training changes. It is the one thing that is saved, resumed, snapshotted and compared: a
/// training goes on from a state to the bits of one that was never interrupted.
class State {
 public:
    /// Adds what is not kept yet. Throws Error where two variables have one name.
    void keep(const std::vector<Variable>& variables);
    /// Parameters, statistics, averages, optimizers' slots, rates and scheduled weights, each once.
    const std::vector<Variable>& variables() const { return variables_; }
    /// Throws NonFiniteError, naming the first variable with a value that is not.
    void check_finite() const;

    /// Every value, and the position in the metadata.
    Safetensors save() const;
    /// Takes all of it back, or nothing: throws Error, naming what, where a variable is missing, unknown, of
    /// another shape or not finite, or a count is none.
    void restore(const Safetensors& saved);

    Position at;

 private:
    std::vector<Variable> variables_;
};

/// A copy of a state, taken and put back without allocating.
class Snapshot {
 public:
    /// Takes the first copy; `state` must stay.
    explicit Snapshot(State& state);
    /// Throws NonFiniteError, and stays what it was, if a value is not finite.
    void take();
    void put_back() const;
    std::uint64_t step() const { return at_.step; }

 private:
    State& state_;
    std::vector<Array> values_;
    Position at_;
};

}  // namespace duet::models
