#include <duet/models/model.hpp>

#include <fmt/format.h>

#include <duet/graph/error.hpp>

namespace duet::models {

const Network& Model::network(std::string_view name) const {
    for (const Network& network : networks)
        if (network.name() == name) return network;
    throw Error(fmt::format("the model has no network \"{}\"", name));
}

std::vector<Variable> Model::variables() const {
    std::vector<Variable> all;
    for (const Network& network : networks)
        all.insert(all.end(), network.variables().begin(), network.variables().end());
    for (const Network& network : networks)
        all.insert(all.end(), network.statistics().begin(), network.statistics().end());
    return all;
}

}  // namespace duet::models
