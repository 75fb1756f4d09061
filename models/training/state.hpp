#pragma once

#include <atomic>
#include <cstdint>
#include <map>
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

/// Writes a position into the metadata of a file, under "step", "next_draw" and "next_batch".
void write_position(const Position& at, std::map<std::string, std::string>& metadata);
/// Reads it back. Throws Error, naming what, where a count is missing or none.
Position position_in(const std::map<std::string, std::string>& metadata);

/// All that a training changes. It is the one thing that is saved, resumed, snapshotted and compared: a
/// training goes on from a state to the bits of one that was never interrupted.
class State {
 public:
    /// Adds what is not kept yet. Throws Error where two variables have one name.
    void keep(const std::vector<Variable>& variables);
    /// Parameters, statistics, averages, optimizers' slots, rates and scheduled weights, each once.
    const std::vector<Variable>& variables() const { return variables_; }
    /// Of all values.
    std::uint64_t bytes() const;
    /// Throws NonFiniteError, naming the first variable with a value that is not.
    void check_finite() const;

    /// Every value, and the position in the metadata.
    Safetensors save() const;
    /// The values where they are, under the variables' names.
    std::vector<ArrayView> views() const;
    /// Takes all of it back, or nothing: throws Error, naming what, where a variable is missing, unknown, of
    /// another shape or not finite, or a count is none.
    void restore(const Safetensors& saved);
    /// How often that was done.
    std::uint64_t restored() const { return restored_; }

    Position at;

 private:
    std::vector<Variable> variables_;
    std::uint64_t restored_ = 0;
};

/// A copy of a state, taken and put back without allocating.
class Snapshot {
 public:
    /// Takes the first copy; `state` must stay.
    explicit Snapshot(State& state);
    /// Stays what it was while it is held, and if a value is not finite, which throws NonFiniteError.
    void take();
    void put_back() const;
    const Position& at() const { return at_; }

    /// Between hold and release, which may come from another thread, the copy stays what it is and can be
    /// written beside the training.
    void hold() { held_ = true; }
    void release() { held_ = false; }
    bool held() const { return held_; }
    /// The copy, under the variables' names.
    std::vector<ArrayView> arrays() const;

 private:
    State& state_;
    std::vector<Array> values_;
    Position at_;
    std::atomic<bool> held_ = false;
};

}  // namespace duet::models
