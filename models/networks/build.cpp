#include <duet/models/networks/build.hpp>

#include <fmt/format.h>

namespace duet::models {

Spec layer(std::string kind, const std::vector<std::pair<std::string, std::size_t>>& sizes,
           std::vector<Setting> more) {
    Spec spec{std::move(kind), std::move(more), {}};
    for (const auto& [key, size] : sizes) spec.with.push_back({key, {static_cast<std::int64_t>(size)}});
    return spec;
}

Network build(const Catalogue& catalogue, Network network, const std::vector<Spec>& layers,
              std::uint64_t seed) {
    for (std::size_t i = 0; i < layers.size(); ++i) {
        const Spec spec = catalogue.completed(layers[i], "layer", fmt::format("{}.{}", network.name(), i));
        catalogue.builder<LayerBuilder>("layer", spec)(catalogue, network, spec, seed);
    }
    return network;
}

Network build(const Catalogue& catalogue, const std::string& name, const Spec& spec,
              const ImageFormat& images, std::uint64_t seed) {
    const auto& architecture = catalogue.builder<ArchitectureBuilder>("network", spec);
    return build(catalogue, Network(name), architecture.layers(spec, images), seed);
}

}  // namespace duet::models
