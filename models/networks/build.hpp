#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <duet/models/catalogue.hpp>

namespace duet::models {

/// A layer as a spec: layer("dense", {{"inputs", 100}, {"outputs", 128}}).
Spec layer(std::string kind, const std::vector<std::pair<std::string, std::size_t>>& sizes = {},
           std::vector<Setting> more = {});

/// Appends the layers to a network; they may lack parameters that have defaults. Their variables take memory
/// when they are first read, so that a network can be built to ask for names and shapes alone. Throws Error
/// as Catalogue::completed, and ShapeError for sizes that make no variable.
Network build(const Catalogue& catalogue, Network network, const std::vector<Spec>& layers,
              std::uint64_t seed);

/// The network that a completed spec of the category "network" describes for these images.
Network build(const Catalogue& catalogue, const std::string& name, const Spec& spec,
              const ImageFormat& images, std::uint64_t seed);

}  // namespace duet::models
