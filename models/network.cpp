#include <duet/models/network.hpp>

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <duet/graph/error.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/matmul.hpp>

namespace duet::models {

void Network::add(Layer layer, const std::vector<Variable>& variables) {
    layers_.push_back(std::move(layer));
    variables_.insert(variables_.end(), variables.begin(), variables.end());
}

void Network::add_dense(std::size_t inputs, std::size_t outputs, const Initializer& initializer,
                        std::uint64_t seed) {
    const std::string prefix = fmt::format("{}.{}", name_, layers_.size());
    const Variable weight = initialized(prefix + ".weight", Shape{outputs, inputs}, initializer, seed);
    const Variable bias(prefix + ".bias", Shape{outputs}, 0.0f);
    add([=](const Tensor& x) { return dense(x, weight, bias); }, {weight, bias});
}

Tensor Network::operator()(Operand x) const {
    Tensor value = x.tensor();
    const WhereScope caller(value.graph(), x.where());
    for (const Layer& layer : layers_) value = layer(value);
    return value;
}

Tensor dense(Operand x, const Variable& weight, const Variable& bias) {
    Graph& graph = x.tensor().graph();
    const WhereScope caller(graph, x.where());
    return matmul(x, graph.read(weight), false, true) + graph.read(bias);
}

Network mlp(std::string name, const std::vector<std::size_t>& widths, const Activation& hidden,
            const Activation& output, std::uint64_t seed, const Initializer& initializer, Where where) {
    if (widths.size() < 2 || std::find(widths.begin(), widths.end(), std::size_t{0}) != widths.end())
        throw Error(
            fmt::format("{}: mlp \"{}\": widths {{{}}} must be at least two numbers, each at least one",
                        to_string(where), name, fmt::join(widths, ", ")));
    Network network(std::move(name));
    for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
        network.add_dense(widths[i], widths[i + 1], initializer, seed);
        network.add(i + 2 < widths.size() ? hidden : output);
    }
    return network;
}

}  // namespace duet::models
