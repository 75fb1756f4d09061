#pragma once

#include <string>

#include <duet/models/training/recipe.hpp>
#include <duet/models/training/trainer.hpp>

namespace duet::tools {

/// What will run, in a few lines: model, data, length, settings, memory.
std::string summary_of(const Spec& recipe, const models::Model& model, const models::Trainer& trainer,
                       const Dataset& data);

/// "r1 of weight 1, non-saturating" and the like: what a run is called beside others.
std::string setting_of(const Spec& recipe);

/// Throws MemoryError if the parameters, their gradients and two slots each are more than the machine has.
void check_memory(const models::Model& model);

}  // namespace duet::tools
