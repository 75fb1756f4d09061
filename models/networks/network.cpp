#include <duet/models/networks/network.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <duet/graph/error.hpp>
#include <duet/models/networks/batch_norm.hpp>
#include <duet/models/networks/spectral_norm.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/dropout.hpp>
#include <duet/ops/indexing.hpp>
#include <duet/ops/matmul.hpp>
#include <duet/ops/parameter_rules.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/shape_ops.hpp>
#include <duet/ops/shape_rules.hpp>

namespace duet::models {

namespace {

template <class T>
void append(std::vector<T>& all, const std::vector<T>& more) {
    all.insert(all.end(), more.begin(), more.end());
}

Variable weight_of(const std::string& layer, std::vector<std::size_t> extents, const Initializer& initializer,
                   std::uint64_t seed, Where where) {
    const Shape shape = checked_shape(layer, std::move(extents), where);
    return initialized(layer + ".weight", shape, initializer, seed, where);
}

std::size_t channels_of_a_group(const std::string& layer, std::size_t channels, std::size_t groups,
                                Where where) {
    if (groups == 0 || channels % groups != 0)
        throw ShapeError(fmt::format("{}: {}: {} channels cannot be divided among {} groups",
                                     to_string(where), layer, channels, groups));
    return channels / groups;
}

std::vector<Variable> with_bias(const Variable& weight, std::size_t outputs, const std::string& name,
                                bool bias) {
    std::vector<Variable> parameters{weight};
    if (bias) parameters.push_back(constant_variable(name + ".bias", Shape{outputs}, 0.0F));
    return parameters;
}

/// Adds a bias of one value a channel, the second parameter, if there is one.
Tensor plus_bias(const Tensor& x, const std::vector<Variable>& parameters) {
    if (parameters.size() < 2) return x;
    const Variable& bias = parameters[1];
    return x + reshape(x.graph().read(bias), {bias.shape()[0], 1, 1});
}

/// The layer's name, in a further call with its number: a graph's random nodes have names of their own.
std::string name_of_call(const Graph& graph, const std::string& layer) {
    const auto taken = [&](const std::string& name) {
        for (NodeId id = 0; id < graph.size(); ++id)
            if (graph.node(id).name == name) return true;
        return false;
    };
    std::string name = layer;
    for (int call = 2; taken(name); ++call) name = fmt::format("{}.call{}", layer, call);
    return name;
}

}  // namespace

void Network::add(Layer layer, const std::vector<Variable>& parameters,
                  const std::vector<Variable>& statistics, const LayerTraits& traits) {
    layers_.push_back(std::move(layer));
    traits_.mixes_samples = traits_.mixes_samples || traits.mixes_samples;
    traits_.draws = traits_.draws || traits.draws;
    append(variables_, parameters);
    append(statistics_, statistics);
}

void Network::add(const Activation& activation) {
    add([activation](const Tensor& x, const Call&) { return activation(x); });
}

void Network::add_dense(std::size_t inputs, std::size_t outputs, const Initializer& initializer,
                        std::uint64_t seed, bool bias, bool spectral, Where where) {
    const std::string name = next_name();
    const Variable variable = weight_of(name, {outputs, inputs}, initializer, seed, where);
    const std::vector<Variable> parameters = with_bias(variable, outputs, name, bias);
    const Weight weight(variable, spectral, seed);
    add(
        [parameters, weight](const Tensor& x, const Call& call) {
            Graph& graph = x.graph();
            if (parameters.size() > 1)
                return matmul(x, weight(graph, call), false, true) + graph.read(parameters[1]);
            return matmul(x, weight(graph, call), false, true);
        },
        parameters, weight.statistics());
}

void Network::add_conv2d(const ConvolutionLayer& sizes, const Initializer& initializer, std::uint64_t seed,
                         Where where) {
    const std::string name = next_name();
    const std::size_t inputs = channels_of_a_group(name, sizes.inputs, sizes.how.groups, where);
    const Variable variable =
        weight_of(name, {sizes.outputs, inputs, sizes.kernel, sizes.kernel}, initializer, seed, where);
    const std::vector<Variable> parameters = with_bias(variable, sizes.outputs, name, sizes.bias);
    const Weight weight(variable, sizes.spectral, seed);
    add(
        [parameters, weight, how = sizes.how](const Tensor& x, const Call& call) {
            return plus_bias(conv2d(x, weight(x.graph(), call), how), parameters);
        },
        parameters, weight.statistics());
}

void Network::add_conv_transpose2d(const ConvolutionLayer& sizes, const Initializer& initializer,
                                   std::uint64_t seed, Where where) {
    const std::string name = next_name();
    const std::size_t outputs = channels_of_a_group(name, sizes.outputs, sizes.how.groups, where);
    const Variable variable =
        weight_of(name, {sizes.inputs, outputs, sizes.kernel, sizes.kernel}, initializer, seed, where);
    const std::vector<Variable> parameters = with_bias(variable, sizes.outputs, name, sizes.bias);
    const Weight weight(variable, sizes.spectral, seed, 1);
    add(
        [parameters, weight, how = sizes.how](const Tensor& x, const Call& call) {
            return plus_bias(conv_transpose2d(x, weight(x.graph(), call), how), parameters);
        },
        parameters, weight.statistics());
}

void Network::add_batch_norm(const BatchNormLayer& how, std::uint64_t seed, Where where) {
    const BatchNorm layer(next_name(), how, seed, where);
    add(layer, layer.parameters(), layer.statistics(), {.mixes_samples = true});
}

void Network::add_dropout(double share, Where where) {
    const std::string name = next_name();
    expect_share(name, "share", share, where);
    add(
        [name, share](const Tensor& x, const Call& call) {
            if (call.mode == Mode::inference) return x;
            return dropout(x, name_of_call(x.graph(), name), share);
        },
        {}, {}, {.draws = true});
}

void Network::add_reshape(const std::vector<std::size_t>& extents, Where where) {
    std::vector<std::size_t> of_one{1};
    append(of_one, extents);
    checked_shape(next_name(), of_one, where);
    add([extents](const Tensor& x, const Call&) {
        std::vector<std::size_t> all{x.shape()[0]};
        all.insert(all.end(), extents.begin(), extents.end());
        return reshape(x, Shape(all));
    });
}

void Network::add_residual(const Network& main, const Network& shortcut) {
    const auto all = [&](const auto& of_network) {
        std::vector<Variable> variables = of_network(main);
        append(variables, of_network(shortcut));
        return variables;
    };
    add(
        [main, shortcut](const Tensor& x, const Call& call) {
            const Tensor beside = shortcut.apply_layers(x, call);  // declared in this order by every compiler
            return main.apply_layers(x, call) + beside;
        },
        all([](const Network& network) { return network.variables(); }),
        all([](const Network& network) { return network.statistics(); }),
        {main.mixes_samples() || shortcut.mixes_samples(), main.draws() || shortcut.draws()});
}

void Network::add_projection(std::size_t inputs, std::size_t classes, const Initializer& initializer,
                             std::uint64_t seed, bool spectral, Where where) {
    const std::string name = next_name();
    const Variable weight = weight_of(name, {1, inputs}, initializer, seed, where);
    const Variable bias(name + ".bias", Shape{1}, 0.0F);
    const Shape rows = checked_shape(name, {classes, inputs}, where);
    const Variable embedding = initialized(name + ".embedding", rows, initializer, seed, where);
    const Weight of_dense(weight, spectral, seed), of_classes(embedding, spectral, seed);
    std::vector<Variable> statistics = of_dense.statistics();
    append(statistics, of_classes.statistics());
    add(
        [=](const Tensor& x, const Call& call) {
            if (!call.labels.valid())
                throw Error(fmt::format("{}: {} needs labels: call the network with them",
                                        to_string(WhereScope(x.graph(), {}).where()), embedding.name()));
            Graph& graph = x.graph();
            const Tensor of_label = gather(of_classes(graph, call), call.labels);
            const Tensor score = matmul(x, of_dense(graph, call), false, true) + graph.read(bias);
            return score + sum(of_label * x, {1}, true);
        },
        {weight, bias, embedding}, statistics);
}

Tensor Network::apply_layers(Tensor value, const Call& call) const {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
        try {
            value = layers_[i](value, call);
        } catch (const ShapeError& rule) {
            throw ShapeError(fmt::format("{}\n  in layer {}.{}", rule.what(), name_, i));
        }
    }
    return value;
}

Tensor Network::operator()(Operand x, Mode mode, const Tensor& labels) const {
    const Tensor input = x.tensor();
    const WhereScope caller(input.graph(), x.where());
    if (labels.valid())
        in_words_of(name_, std::array{input, labels}, {}, [&] {
            const Shape& shape = input.shape();
            if (shape.rank() == 0 || labels.shape() != Shape{shape[0]})
                throw ShapeError(
                    fmt::format("labels of shape {} do not fit samples of shape {}: give one label, "
                                "(n), for each of n samples, (n, ...)",
                                to_string(labels.shape()), to_string(shape)));
        });
    return apply_layers(input, {mode, labels, variables_});
}

Network Network::part(const std::string& name) const {
    return Network(next_name() + "." + name);
}

std::string Network::next_name() const {
    return fmt::format("{}.{}", name_, layers_.size());
}

Tensor dense(Operand x, const Variable& weight, const Variable& bias) {
    Graph& graph = x.tensor().graph();
    const WhereScope caller(graph, x.where());
    const Tensor input = x.tensor();
    in_words_of("dense", {&input, 1}, {}, [&] {
        if (weight.shape().rank() != 2 || bias.shape() != Shape{weight.shape()[0]})
            throw ShapeError(
                fmt::format("bias {} of shape {} does not fit weight {} of shape {}: they must be "
                            "(outputs) and (outputs, inputs)",
                            bias.name(), to_string(bias.shape()), weight.name(), to_string(weight.shape())));
    });
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
        network.add_dense(widths[i], widths[i + 1], initializer, seed, true, false, where);
        network.add(i + 2 < widths.size() ? hidden : output);
    }
    return network;
}

}  // namespace duet::models
