#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <duet/data/batches.hpp>
#include <duet/graph/runtime/program.hpp>
#include <duet/models/gan_model.hpp>
#include <duet/models/training_options.hpp>

namespace duet::models {

/// What a step reports.
struct StepMetrics {
    std::uint64_t step;  ///< counted from one
    double generator_loss;
    double discriminator_loss;  ///< with the penalty
    double real_probability;    ///< mean sigmoid of D's scores of real images; no probability of a critic's
    double fake_probability;    ///< the same of fake images
};

/// Trains a GAN on a data set. The weights after k steps depend on model, data, options and k alone, not on
/// the number of threads.
class GanTrainer {
 public:
    /// Throws Error if the model's weights are not finite, naming the first such variable, if the images'
    /// size or channels are not the model's, if the model is conditional and images have no labels or labels
    /// outside its classes, if a discriminator with batch normalisation is to be under the gradient penalty,
    /// or if an option makes no sense.
    GanTrainer(GanModel model, const TrainingOptions& options, std::shared_ptr<const Dataset> data);
    ~GanTrainer();
    GanTrainer(const GanTrainer&) = delete;
    GanTrainer& operator=(const GanTrainer&) = delete;

    /// One step of the schedule. Allocates nothing.
    ///
    /// If a loss is not finite, or a variable when the next snapshot is due, the networks and optimizers go
    /// back to the snapshot taken at most 100 steps before, and the NonFiniteError names the first node whose
    /// value was not finite: step, node, line, and the ranges of its operands, found by repeating the steps
    /// since with every node looked at.
    StepMetrics step();
    /// Goes back and throws as `step` does if a variable is not finite: the last step's gradients may have
    /// been. Call it before the weights are saved.
    void check_finite();

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
    /// Everything that training changes: the model's variables and both optimizers'.
    std::vector<Variable> variables() const;

 private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace duet::models
