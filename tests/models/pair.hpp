#pragma once

#include <memory>
#include <string>
#include <vector>

#include <duet/duet.hpp>

namespace duet::testing {

/// A pair of networks of chosen widths.
struct Pair {
    std::vector<std::size_t> generator_widths = {100, 128, 128, 784};
    std::vector<std::size_t> discriminator_widths = {784, 128, 128, 1};
    std::size_t height = 28;
    std::size_t width = 28;
    std::size_t channels = 1;
    std::string model = "mlp";
    std::size_t classes = 0;
    bool batch_norm = true;
};

using Settings = std::vector<std::string>;

/// The recipe that trains a pair, with these settings beside its model's.
inline Spec recipe_of(const Pair& pair, const Settings& settings = {}) {
    const models::Catalogue catalogue = models::standard_catalogue();
    Spec layer = models::settings(settings);
    const auto whole = [](std::size_t number) { return Value{static_cast<std::int64_t>(number)}; };
    layer.set("model", {pair.model});
    layer.set("images.height", whole(pair.height));
    layer.set("images.width", whole(pair.width));
    layer.set("images.channels", whole(pair.channels));
    layer.set("images.classes", whole(pair.classes));
    layer.set("networks.generator.widths", list_of_numbers(pair.generator_widths));
    layer.set("networks.discriminator.widths", list_of_numbers(pair.discriminator_widths));
    if (!pair.batch_norm && pair.model != "resnet" && pair.model != "mlp")
        layer.set("networks.discriminator.normalization", {std::string("none")});
    return catalogue.completed(models::layered(catalogue, {layer}), "recipe", "");
}

inline models::Model make_gan(const Pair& pair, std::uint64_t seed) {
    Spec recipe = recipe_of(pair);
    recipe.set("seed", {static_cast<std::int64_t>(seed)});
    return models::model_of(models::standard_catalogue(), recipe);
}

/// The trainer of networks that were made before.
inline models::Trainer gan_trainer(const models::Model& model, const Pair& pair, const Settings& settings,
                                   std::shared_ptr<const Dataset> data,
                                   const models::TrainerOptions& options = {}) {
    return {models::training_of(models::standard_catalogue(), recipe_of(pair, settings), model),
            std::move(data), options};
}

inline models::Trainer gan_trainer(const Pair& pair, std::uint64_t seed, const Settings& settings,
                                   std::shared_ptr<const Dataset> data,
                                   const models::TrainerOptions& options = {}) {
    return gan_trainer(make_gan(pair, seed), pair, settings, std::move(data), options);
}

/// Writes the weights of a pair as a training does.
inline void save_pair(const models::Model& model, const Pair& pair, const std::filesystem::path& path) {
    models::save_weights(model, models::model_layer(recipe_of(pair)), {}, path);
}

/// The model in a weights file, with its weights.
inline models::Model load_pair(const Safetensors& file, const std::filesystem::path& path) {
    return models::model_in(models::standard_catalogue(), models::layer_in(file, path).value(), file, path);
}

}  // namespace duet::testing
