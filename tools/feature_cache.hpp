#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include <duet/data/dataset.hpp>
#include <duet/models/metrics/feature_network.hpp>

namespace duet::tools {

/// The recipe of feature networks that comes with Duet.
Spec shipped_recipe();

/// Where what is made once is kept: $XDG_CACHE_HOME/duet, or ~/.cache/duet; it may be deleted at any time.
/// Throws Error if neither is known.
std::filesystem::path cache_folder();

/// A feature network, and where it is kept.
struct KeptNetwork {
    models::FeatureNetwork network;
    std::filesystem::path path;
    bool trained = false;  ///< now; else it was there
};

/// The network of a fitted recipe, trained on these images: from the cache, or else trained now, its progress
/// shown on the standard error, and kept there. A file there that cannot be read is made anew. Throws what
/// trainings throw.
KeptNetwork kept_network(const models::Catalogue& catalogue, const Spec& recipe,
                         std::shared_ptr<const Dataset> data, std::size_t threads);

/// The network of the recipe that comes with Duet for these images, kept so; one of random convolutions, as
/// it starts, if they have no labels.
models::FeatureNetwork shipped_network(const models::Catalogue& catalogue,
                                       std::shared_ptr<const Dataset> data, std::size_t threads);
/// The latter in any case.
models::FeatureNetwork random_network(const models::Catalogue& catalogue, const Dataset& data);

/// The network in a file, or the one in the cache whose hash begins with these digits. Throws FileError for a
/// file that is no network's, and Error if no network there has such a hash, or several.
models::FeatureNetwork named_network(const models::Catalogue& catalogue, const std::string& file_or_hash);

/// What a network makes of images: from the cache, or else made now and kept there.
models::ImageFeatures kept_features(const models::FeatureNetwork& network, const Dataset& data,
                                    const Arena& arena);

}  // namespace duet::tools
