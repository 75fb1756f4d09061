#pragma once

#include <duet/models/gan_model.hpp>
#include <duet/models/training/trainer.hpp>
#include <duet/models/training_options.hpp>

namespace duet::models {

/// The training of a GAN: phases "discriminator" and "generator", each with an Adam of its own.
Training gan_training(const GanModel& model, const TrainingOptions& options);
Trainer gan_trainer(const GanModel& model, const TrainingOptions& options,
                    std::shared_ptr<const Dataset> data);

}  // namespace duet::models
