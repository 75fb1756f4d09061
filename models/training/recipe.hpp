#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <duet/data/dataset.hpp>
#include <duet/models/catalogue.hpp>
#include <duet/models/model.hpp>

namespace duet::models {

/// The version of the layout of recipes, their key `schema`.
inline constexpr std::int64_t recipe_schema = 1;

/// The model of a recipe that names none.
inline constexpr const char* default_model = "mlp";

/// The presets that come with Duet, recipes in models/presets, by their names.
std::vector<std::string> preset_names();
/// The text of one. Throws Error, naming what was likely meant, for an unknown name.
std::string_view preset_text(std::string_view name);
/// The same as a layer.
Spec preset(std::string_view name);

/// "loss.kind=minimax" as a path and its value, from `origin`. Throws Error for what has no path.
std::pair<std::string, Value> assignment(const std::string& text, const std::string& origin);
/// A layer of such assignments, for code that knows what it wants.
Spec settings(const std::vector<std::string>& assignments);

/// Lays settings over each other, the first lowest: the preset of the model that the highest of them names
/// (default_model if none does); what a chosen loss or penalty brings (Row::brings), where it means something
/// there; the layers. Where a layer names `steps` or `epochs`, the other of a lower one goes. Throws Error
/// for another schema, for both of these in one layer, for layers that name different models, and for a name
/// that is a preset's but no model's.
Spec layered(const Catalogue& catalogue, const std::vector<Spec>& layers);

/// The recipe with everything written out: what follows from the images (their size, classes, widths that fit
/// them, `steps` of the epochs), every default. Throws Error as Catalogue::completed; if the images are not
/// of the size that the recipe gives, or not those of its hash; if networks, losses, penalties and optimizers
/// do not fit the images or each other, which declaring a step shows.
Spec fitted(const Catalogue& catalogue, const Spec& recipe, const Dataset& data);

/// What a fitted recipe asks for that works against itself, without being wrong: a line each, with the key
/// and what to do.
std::vector<std::string> cautions(const Spec& recipe, const Model& model);

/// What a weights file keeps of a recipe: all but data, what it started from, length, seed and
/// output.
Spec model_layer(const Spec& recipe);

/// The images that a fitted recipe is about.
ImageFormat images_of(const Spec& recipe);
/// What its discriminator is shown: as many of them as it judges together, side by side in the channels.
ImageFormat packed_images_of(const Spec& recipe);
/// The networks of a fitted recipe.
Model model_of(const Catalogue& catalogue, const Spec& recipe);
/// The training that a fitted recipe describes, of these networks.
Training training_of(const Catalogue& catalogue, const Spec& recipe, const Model& model);

}  // namespace duet::models
