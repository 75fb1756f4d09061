#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <duet/autodiff/adam.hpp>
#include <duet/data/batches.hpp>
#include <duet/graph/program.hpp>
#include <duet/models/gan_model.hpp>

namespace duet::models {

/// In which order the two networks are trained.
enum class Schedule {
    documented,   ///< one joint step of both from one forward pass, then a generator step on fresh noise
    alternating,  ///< n discriminator steps, then one generator step, fresh noise each
};

/// What is added to the discriminator's loss.
enum class Penalty { none, r1 };

/// "documented" or "alternating"; "none" or "r1". Throws Error, listing the names known, for another one.
Schedule schedule_by_name(const std::string& name);
Penalty penalty_by_name(const std::string& name);

/// How to train. The defaults are the article's numbers with R1, without which its networks collapse.
struct TrainingOptions {
    std::string loss = "non-saturating";
    Schedule schedule = Schedule::documented;
    Penalty penalty = Penalty::r1;
    double penalty_weight = 1.0;
    AdamOptions adam = {2e-4, 0.5, 0.999, 1e-8};
    std::size_t batch = 128;
    /// Discriminator steps for each generator step of Schedule::alternating.
    std::size_t discriminator_steps = 1;
    std::uint64_t seed = 0;
    std::size_t threads = 1;
    /// False computes the step without fusion, or without rewriting, for debugging: see CompileOptions.
    bool fuse = true;
    bool rewrite = true;
    /// Plans a program after each pass of the compiler, for ProgramReport.
    bool report_passes = false;
};

/// What a step reports.
struct StepMetrics {
    std::uint64_t step;  ///< counted from one
    double generator_loss;
    double discriminator_loss;  ///< with the penalty
    double real_probability;    ///< mean D(x)
    double fake_probability;    ///< mean D(G(z))
};

/// Trains a GAN on a data set. The weights after k steps depend on model, data, options and k alone, not on
/// the number of threads.
class GanTrainer {
 public:
    /// Throws Error if the images' size is not the model's, or an option makes no sense.
    GanTrainer(GanModel model, const TrainingOptions& options, std::shared_ptr<const Dataset> data);
    ~GanTrainer();
    GanTrainer(const GanTrainer&) = delete;
    GanTrainer& operator=(const GanTrainer&) = delete;

    /// One step of the schedule. Allocates nothing.
    ///
    /// If a loss is not finite the networks and optimizers go back to the snapshot taken at most 100 steps
    /// before, and the NonFiniteError names the first node whose value was not finite: step, node, line, and
    /// the ranges of its operands, found by repeating the steps since with every node looked at.
    StepMetrics step();

    std::uint64_t steps_done() const;
    /// The step of the last snapshot.
    std::uint64_t snapshot_step() const;
    const GanModel& model() const;
    /// Images of the data set that a step shows to the discriminator.
    std::uint64_t images_per_step() const;
    /// Steps that show at least `epochs` times the data set.
    std::uint64_t steps_for_epochs(std::uint64_t epochs) const;
    /// The memory and threads of the steps, to compile further programs with.
    const Arena& arena() const;
    /// The programs that make up a step, for `describe`, with what each is for.
    std::vector<std::pair<std::string, const Program<float>*>> programs() const;
    /// Whether the programs note when each instruction ran (see Program::set_profiled). It changes no result.
    void set_profiled(bool profiled);
    /// Everything that training changes: both networks' variables and both optimizers'.
    std::vector<Variable> variables() const;

 private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace duet::models
