#pragma once

#include <optional>

#include <duet/models/training/checkpoint.hpp>
#include <duet/models/training/recipe.hpp>
#include <duet/models/training/trainer.hpp>

#include "run_folder.hpp"

namespace duet::tools {

/// Throws Error, naming the first thing that differs, unless `asked` is the training of `kept`, the recipe of
/// a run: all but intervals, paths and length must be equal, what is measured too. Length may differ only
/// where no rate and no weight follows from it.
void check_same_training(const models::Catalogue& catalogue, const Spec& kept, const Spec& asked,
                         const std::filesystem::path& run);

/// The recipe that a checkpoint carries, completed. Throws FileError or Error if it is none.
Spec recipe_in(const models::Catalogue& catalogue, const models::Checkpoint& checkpoint);

/// Puts the trainer where the newest whole checkpoint of a run stands, and returns that; nothing, and the
/// trainer where it was, if there is none. Warns of one that another version of Duet wrote. Throws Error if
/// it is of another training than `asked`, or stands further.
std::optional<models::Checkpoint> go_on(const models::Catalogue& catalogue, const Spec& asked,
                                        const RunFolder& folder, models::Trainer& trainer, const Warn& warn);

}  // namespace duet::tools
