#include "feature_cache.hpp"

#include <cstdlib>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/data/data_folder.hpp>
#include <duet/data/safetensors.hpp>
#include <duet/data/sha256.hpp>
#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/training/trainer.hpp>

#include "progress.hpp"

namespace duet::tools {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t name_digits = 32;

std::string hash_of(const std::string& text) {
    return sha256(std::as_bytes(std::span(text))).substr(0, name_digits);
}

/// A file that is not there, or damaged, is made anew.
template <class Read>
auto read_kept(const fs::path& path, Read&& read) -> std::optional<decltype(read())> {
    std::error_code error;
    if (!fs::exists(path, error)) return std::nullopt;
    try {
        return read();
    } catch (const FileError&) {
        return std::nullopt;
    }
}

void keep(const fs::path& path, const Bytes& bytes) {
    fs::create_directories(path.parent_path());
    write_file_atomically(path, std::as_bytes(std::span(bytes)));
}

void train(const models::Catalogue& catalogue, const models::FeatureNetwork& network,
           std::shared_ptr<const Dataset> data, std::size_t threads) {
    models::Trainer trainer(models::feature_training_of(catalogue, network), std::move(data),
                            {.threads = threads});
    const std::uint64_t steps = network.recipe.whole("steps");
    Progress progress(steps, trainer.images_per_step());
    for (std::uint64_t step = 0; step < steps; ++step) progress.see(trainer.step());
    progress.finish();
    trainer.take_snapshot();
}

}  // namespace

Spec shipped_recipe() {
    const char* shipped = "features.toml";
    return with_origin(parse_toml(models::feature_recipe_text(), shipped), shipped);
}

fs::path cache_folder() {
    if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && fs::path(cache).is_absolute())
        return fs::path(cache) / "duet";
    const char* home = std::getenv("HOME");
    if (home == nullptr || *home == '\0')
        throw Error("feature networks are kept in $XDG_CACHE_HOME or $HOME/.cache, and neither is set");
    return fs::path(home) / ".cache" / "duet";
}

KeptNetwork kept_network(const models::Catalogue& catalogue, const Spec& recipe,
                         std::shared_ptr<const Dataset> data, std::size_t threads) {
    Spec identity = recipe;
    identity.erase("data.path");
    const fs::path path = cache_folder() / fmt::format("features-{}.safetensors",
                                                       hash_of(format_toml(with_origin(identity, ""))));
    if (auto network = read_kept(path, [&] { return models::read_feature_network(catalogue, path); }))
        return {std::move(*network), path, false};
    models::FeatureNetwork network = models::feature_network_of(catalogue, recipe);
    train(catalogue, network, std::move(data), threads);
    keep(path, models::encode_feature_network(network));
    return {std::move(network), path, true};
}

models::FeatureNetwork shipped_network(const models::Catalogue& catalogue,
                                       std::shared_ptr<const Dataset> data, std::size_t threads) {
    if (!data->has_labels()) return random_network(catalogue, *data);
    const Spec recipe = models::fitted_feature_recipe(catalogue, shipped_recipe(), *data);
    return kept_network(catalogue, recipe, std::move(data), threads).network;
}

models::FeatureNetwork random_network(const models::Catalogue& catalogue, const Dataset& data) {
    Spec recipe = shipped_recipe();
    recipe.set("images.classes", {std::int64_t{0}, "random convolutions"});
    return models::feature_network_of(catalogue, models::fitted_feature_recipe(catalogue, recipe, data));
}

models::FeatureNetwork named_network(const models::Catalogue& catalogue, const std::string& file_or_hash) {
    std::error_code error;
    if (fs::exists(file_or_hash, error)) return models::read_feature_network(catalogue, file_or_hash);
    std::vector<models::FeatureNetwork> found;
    if (fs::is_directory(cache_folder(), error))
        for (const std::string& name : sorted_names(cache_folder())) {
            if (!name.starts_with("features-")) continue;
            const fs::path path = cache_folder() / name;
            auto network = read_kept(path, [&] { return models::read_feature_network(catalogue, path); });
            if (network && network->sha256().starts_with(file_or_hash)) found.push_back(std::move(*network));
        }
    if (found.size() != 1)
        throw Error(fmt::format("--network: {} is no file, and {} network in {} has a hash that begins so",
                                quoted_for_message(file_or_hash), found.empty() ? "no" : "more than one",
                                cache_folder().string()));
    return std::move(found.front());
}

models::ImageFeatures kept_features(const models::FeatureNetwork& network, const Dataset& data,
                                    const Arena& arena) {
    const fs::path path =
        cache_folder() / fmt::format("made-{}.safetensors", hash_of(network.sha256() + sha256(data)));
    const std::size_t classes = network.images.classes;
    const auto read = [&] {
        const Safetensors file = read_safetensors(path);
        const auto values_of = [&](const char* name, std::size_t width) {
            const Array* array = file.find(name);
            if (array == nullptr || shape_of(*array) != Shape{data.count, width})
                throw FileError(path.string());
            return std::vector<float>(array->begin(), array->end());
        };
        models::ImageFeatures made{
            data.count, network.width, classes, values_of("features", network.width), {}};
        if (classes > 0) made.probabilities = values_of("probabilities", classes);
        return made;
    };
    if (auto kept = read_kept(path, read)) return std::move(*kept);
    models::ImageFeatures made = models::features_of(network, data, arena);
    Safetensors file;
    const auto add = [&](const char* name, const std::vector<float>& values, std::size_t width) {
        Array array = filled(Shape{data.count, width}, 0.0F);
        std::copy(values.begin(), values.end(), array.begin());
        file.tensors.push_back({name, std::move(array)});
    };
    add("features", made.features, network.width);
    if (classes > 0) add("probabilities", made.probabilities, classes);
    keep(path, encode_safetensors(file));
    return made;
}

}  // namespace duet::tools
