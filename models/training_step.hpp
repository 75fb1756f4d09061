#pragma once

#include <vector>

#include <duet/autodiff/optimizer.hpp>
#include <duet/models/gan_model.hpp>
#include <duet/models/training_options.hpp>

namespace duet::models {

/// What one program of a training step is compiled from. Metrics are fetched in the order they stand here.
struct TrainingStep {
    /// The real images and the labels of images, or empty where the step is fed none. Fake images take the
    /// labels of the real ones, so that both have the same classes as often.
    Tensor real, labels;
    /// Scalars: the discriminator's loss, mean sigmoid of its scores of real and of fake images, and the
    /// generator's loss; or the generator's loss alone.
    std::vector<Tensor> fetches;
    std::vector<Updates> updates;
};

/// The discriminator's step; under Schedule::documented the generator's from the same forward pass as well.
/// Each network's running statistics move where its parameters do, and nowhere else.
TrainingStep declare_discriminator_step(Graph& graph, const GanModel& model, const TrainingOptions& options,
                                        Optimizer& generator_optimizer, Optimizer& discriminator_optimizer);

/// The generator's step on fresh noise.
TrainingStep declare_generator_step(Graph& graph, const GanModel& model, const TrainingOptions& options,
                                    Optimizer& generator_optimizer);

}  // namespace duet::models
