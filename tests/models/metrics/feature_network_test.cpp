#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include <xtensor/xarray.hpp>

#include "../support.hpp"

using namespace duet;
using namespace duet::models;

namespace {

/// Squares of 8x8: class 0 bright on the left, 1 on the right, with noise.
Dataset halves(std::size_t count, std::uint64_t seed) {
    Dataset data{count, 8, 8, 1, Bytes(count * 64), Bytes(count), {}};
    std::uint64_t state = seed;
    for (std::size_t i = 0; i < count; ++i) {
        data.labels[i] = static_cast<std::uint8_t>(i % 2);
        for (std::size_t pixel = 0; pixel < 64; ++pixel) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            const auto noise = static_cast<std::uint8_t>(state >> 57U);
            const bool bright = (pixel % 8 >= 4) == (i % 2 == 1);
            data.images[i * 64 + pixel] = static_cast<std::uint8_t>(noise + (bright ? 100 : 0));
        }
    }
    return data;
}

Spec small_recipe(const Catalogue& catalogue, const Dataset& data) {
    Spec recipe = parse_toml(feature_recipe_text(), "features.toml");
    recipe.erase("epochs");
    recipe.set("steps", {std::int64_t{60}});
    recipe.set("network.widths", list_of_numbers({4, 6, 10}));
    return fitted_feature_recipe(catalogue, recipe, data);
}

FeatureNetwork trained(const Catalogue& catalogue, std::size_t threads) {
    const auto data = std::make_shared<const Dataset>(halves(400, 1));
    FeatureNetwork network = feature_network_of(catalogue, small_recipe(catalogue, *data));
    Trainer trainer(feature_training_of(catalogue, network), data, {.threads = threads});
    for (std::size_t step = 0; step < network.recipe.whole("steps"); ++step) trainer.step();
    return network;
}

}  // namespace

TEST_CASE("a feature network learns classes, to the same bits for any number of threads") {
    const Catalogue catalogue = standard_catalogue();
    const FeatureNetwork network = trained(catalogue, 1);
    CHECK(trained(catalogue, 3).sha256() == network.sha256());
    CHECK(network.width == 10);
    CHECK(network.images.classes == 2);
    const Dataset held_back = halves(101, 2);
    const ImageFeatures made = features_of(network, held_back);
    CHECK(made.features.size() == 101 * 10);
    CHECK(made.probabilities.size() == 101 * 2);
    CHECK(accuracy_of(made, held_back) > 0.95);
}

TEST_CASE("an image's features depend on it alone") {
    const Catalogue catalogue = standard_catalogue();
    const Dataset all = halves(150, 3);
    const FeatureNetwork network = feature_network_of(catalogue, small_recipe(catalogue, all));
    Dataset last = all;
    last.count = 30;
    last.images.erase(last.images.begin(), last.images.begin() + 120 * 64);
    last.labels.erase(last.labels.begin(), last.labels.begin() + 120);
    const ImageFeatures of_all = features_of(network, all, Arena(2)), of_last = features_of(network, last);
    CHECK(std::equal(of_last.features.begin(), of_last.features.end(), of_all.features.begin() + 120 * 10));
    CHECK(std::equal(of_last.probabilities.begin(), of_last.probabilities.end(),
                     of_all.probabilities.begin() + 120 * 2));
}

TEST_CASE("a feature network is written and read back, and files that are none are refused") {
    const Catalogue catalogue = standard_catalogue();
    const Dataset data = halves(40, 4);
    const FeatureNetwork network = feature_network_of(catalogue, small_recipe(catalogue, data));
    const std::filesystem::path path =
        std::filesystem::temp_directory_path() / "duet-features-test.safetensors";
    const Bytes bytes = encode_feature_network(network);
    write_file_atomically(path, std::as_bytes(std::span(bytes)));
    const FeatureNetwork read = read_feature_network(catalogue, path);
    CHECK(read.sha256() == network.sha256());
    CHECK(features_of(read, data).features == features_of(network, data).features);

    Safetensors broken = read_safetensors(path);
    broken.metadata["recipe"] += "\n[more]\n";
    write_safetensors(path, broken);
    CHECK_THROWS_AS(read_feature_network(catalogue, path), FileError);
    broken.metadata.clear();
    write_safetensors(path, broken);
    CHECK_THROWS_AS(read_feature_network(catalogue, path), FileError);
    std::filesystem::remove(path);
}

TEST_CASE("images of another size, and classes without labels, are refused") {
    const Catalogue catalogue = standard_catalogue();
    Dataset data = halves(40, 5);
    const FeatureNetwork network = feature_network_of(catalogue, small_recipe(catalogue, data));
    Dataset wide = data;
    wide.height = 4;
    wide.width = 16;
    CHECK_THROWS_WITH_AS(features_of(network, wide),
                         "the images are 4x16 with 1 channel(s), but the feature network takes 8x8 with 1",
                         Error);
    data.labels.clear();
    CHECK_THROWS_AS(small_recipe(catalogue, data), Error);
    CHECK_THROWS_AS(accuracy_of(features_of(network, data), data), Error);
}
