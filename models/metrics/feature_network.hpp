#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <duet/data/dataset.hpp>
#include <duet/data/file.hpp>
#include <duet/data/safetensors.hpp>
#include <duet/graph/runtime/arena.hpp>
#include <duet/models/catalogue.hpp>
#include <duet/models/metrics/estimate.hpp>

namespace duet::models {

/// What images are judged by: a network that makes features of them, with a linear layer behind it that was
/// trained to tell their classes from the features, where there are classes.
struct FeatureNetwork {
    Spec recipe;  ///< fitted
    ImageFormat images;
    std::size_t width = 0;  ///< features of an image
    Network features{"features"}, classifier{"classifier"};

    std::vector<Variable> variables() const;
    /// SHA-256 of the variables' names, shapes and values.
    std::string sha256() const;
};

/// The recipe that comes with Duet, models/metrics/features.toml.
std::string_view feature_recipe_text();
/// The recipe with everything written out, for these images. Throws Error as `fitted` of trainings.
Spec fitted_feature_recipe(const Catalogue& catalogue, const Spec& recipe, const Dataset& data);
/// The network that a fitted recipe describes, as it starts: one of random features.
FeatureNetwork feature_network_of(const Catalogue& catalogue, const Spec& recipe);
/// Its training: the cross entropy of the classes, images moved by up to `shift` pixels, features dropped
/// out.
Training feature_training_of(const Catalogue& catalogue, const FeatureNetwork& network);

/// As the bytes of a safetensors file, with the recipe in its metadata.
Bytes encode_feature_network(const FeatureNetwork& network);
/// Sets the network's variables to a file's arrays of their names, such as "features.0.weight"; others are
/// passed over. Throws FileError, naming the path, if one is missing or of another shape.
void load_feature_network(const FeatureNetwork& network, const Safetensors& file,
                          const std::filesystem::path& path);
/// Throws FileError, naming the path, for what is not such a file.
FeatureNetwork read_feature_network(const Catalogue& catalogue, const std::filesystem::path& path);

/// What a network makes of images.
struct ImageFeatures {
    std::size_t count = 0, width = 0, classes = 0;
    std::vector<float> features;       ///< (count, width)
    std::vector<float> probabilities;  ///< (count, classes)
};

/// Statistics as they are, nothing dropped out. An image's features depend on it alone, not on those beside
/// it. `progress` is told how many images are done. Throws Error if the images' size or channels are not the
/// network's.
ImageFeatures features_of(const FeatureNetwork& network, const Dataset& data, const Arena& arena = Arena(),
                          const std::function<void(std::size_t)>& progress = {});

/// As metrics take them.
std::shared_ptr<const Samples> feature_samples(const ImageFeatures& made);
/// Null without classes.
std::shared_ptr<const Samples> probability_samples(const ImageFeatures& made);
/// The images' values themselves, from 0 to 1, channel by channel.
std::shared_ptr<const Samples> pixel_samples(const Dataset& data);

/// The share of images whose most probable class is their label. Throws Error if there are no labels, and as
/// predicted_classes does.
double accuracy_of(const ImageFeatures& made, const Dataset& data);

}  // namespace duet::models
