#include <duet/models/model.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <duet/graph/error.hpp>

namespace duet::models {

namespace {

bool is_average(const Network& network) {
    return network.name() == averaged_generator;
}

}  // namespace

const Network& Model::network(std::string_view name) const {
    for (const Network& network : networks)
        if (network.name() == name) return network;
    throw Error(fmt::format("the model has no network \"{}\"", name));
}

const Network* Model::average() const {
    const auto found = std::find_if(networks.begin(), networks.end(), is_average);
    return found == networks.end() ? nullptr : &*found;
}

const Network& Model::drawing() const {
    const Network* averaged = average();
    return averaged == nullptr ? generator() : *averaged;
}

Model Model::raw() const {
    Model without = *this;
    std::erase_if(without.networks, is_average);
    return without;
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
