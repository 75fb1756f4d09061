#pragma once

#include <duet/models/catalogue.hpp>

namespace duet::models {

// Each adds the rows of its file to the catalogue.
void add_layer_rows(Catalogue& catalogue);
void add_network_rows(Catalogue& catalogue);
void add_loss_rows(Catalogue& catalogue);
void add_metric_rows(Catalogue& catalogue);
void add_penalty_rows(Catalogue& catalogue);
void add_constraint_rows(Catalogue& catalogue);
void add_optimizer_rows(Catalogue& catalogue);
void add_rate_rows(Catalogue& catalogue);
void add_recipe_rows(Catalogue& catalogue);
void add_schedule_rows(Catalogue& catalogue);
void add_study_rows(Catalogue& catalogue);
void add_transform_rows(Catalogue& catalogue);

}  // namespace duet::models
