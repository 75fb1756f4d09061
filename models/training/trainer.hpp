#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <duet/data/batches.hpp>
#include <duet/graph/runtime/program.hpp>
#include <duet/models/training/record.hpp>
#include <duet/models/training/state.hpp>
#include <duet/models/training/training.hpp>

namespace duet::models {

/// What a training computes in.
enum class Precision { float32, float64 };

/// How the programs of a training are made; see Arena and CompileOptions. Only the precision decides results.
struct TrainerOptions {
    std::size_t threads = 1;
    /// In float64 steps read and write the variables' float64 values (see Variable). Images, scheduled
    /// weights and saved states stay float32: what goes back to a snapshot or on from a saved state goes on
    /// from rounded values.
    Precision precision = Precision::float32;
    bool fuse = true;
    bool rewrite = true;
    bool report_passes = false;
};

/// What describes a program of a step, in either precision; see Program.
class StepProgram {
 public:
    virtual ~StepProgram() = default;
    virtual const ProgramReport& report() const = 0;
    virtual std::vector<InstructionTime> times() const = 0;
    virtual std::string describe() const = 0;
    virtual std::string to_dot() const = 0;
};

/// Runs a training on a data set. It interprets stages: no network, loss or option is named in it. The state
/// after k steps depends on training, data and k alone, not on the number of threads.
class Trainer {
 public:
    /// Throws Error as check_training; if a network's values are not finite, naming the first such variable;
    /// if the images' size or channels are not the training's; if labels are read and the images have none,
    /// or some outside the classes; if two metrics share a name or terms of a stage have more than two
    /// intervals; and what terms, tapes and `compile` throw.
    Trainer(Training training, std::shared_ptr<const Dataset> data, const TrainerOptions& options = {});
    ~Trainer();
    Trainer(Trainer&&) noexcept;
    Trainer& operator=(Trainer&&) noexcept;

    /// One step: every stage as often as it repeats. Allocates nothing. The record is valid until the next
    /// step. A metric that more than one run of the step gives has the value of its first stage's last run;
    /// one of a term that the step leaves out keeps its last value.
    ///
    /// If a loss is not finite, or a variable when the next snapshot is due, the state goes back to the
    /// snapshot taken at most 100 steps before (more, if it was held meanwhile), or where it was restored
    /// since, and the NonFiniteError names the first node whose value was not finite: step, node, line, and
    /// the ranges of its operands, found by repeating the steps since with every node looked at. It goes back
    /// as well after anything else that a stage throws, such as FeedError for a label that no class has.
    Record step() &;
    Record step() && = delete;
    /// The snapshot, taken anew of the present state unless it is held. Goes back and throws as `step` does
    /// if a variable is not finite: the last step's gradients may have been.
    Snapshot& take_snapshot();

    /// All that the training changes. What is restored into it is where the next step goes on.
    State& state();
    const State& state() const;
    const Snapshot& snapshot() const;
    /// The programs' ProgramReport::fingerprint, in hexadecimal digits joined by '-'.
    std::string fingerprint() const;
    const Training& training() const;
    /// What the last step measured; zeros before the first.
    Record record() const;
    /// Sets it, where a state is restored: a step keeps the values of the terms that it leaves out. Throws
    /// Error for another number of them.
    void set_record(std::span<const double> values);
    /// Adds a metric that is measured beside the steps: NaN until it is set, then what it was set to last.
    /// Throws Error if there is one of that name.
    void add_metric(const std::string& name);
    /// Throws Error, listing the names there are, for another one.
    void set_metric(std::string_view name, double value);
    /// Images of the data set that were shown so far. Where a rule repeats a stage they are counted from the
    /// place in the data, which a training that goes on from others' weights does not start at 0.
    std::uint64_t images_shown() const;
    /// Images of the data set that the next step shows.
    std::uint64_t images_per_step() const;
    /// Steps that show at least `epochs` times the data set. Throws Error if a step shows none.
    std::uint64_t steps_for_epochs(std::uint64_t epochs) const;
    /// The memory and threads of the steps, to compile further programs with.
    const Arena& arena() const;
    /// The programs that make up a step, for `describe`, with the phases of each.
    std::vector<std::pair<std::string, const StepProgram*>> programs() const;
    /// Whether the programs note when each instruction ran (see Program::set_profiled). It changes no result.
    void set_profiled(bool profiled);

 private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace duet::models
