#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <duet/graph/graph.hpp>
#include <duet/models/initializer.hpp>
#include <duet/ops/activation.hpp>

namespace duet::models {

/// A chain of layers with the variables they share between all the graphs they are called in. Layers are
/// numbered as torch.nn.Sequential numbers them, activations counted, so that variables carry the same names
/// there.
class Network {
 public:
    using Layer = std::function<Tensor(const Tensor&)>;

    explicit Network(std::string name) : name_(std::move(name)) {}

    /// Appends a layer that has these variables.
    void add(Layer layer, const std::vector<Variable>& variables = {});
    /// Appends x -> x W^T + b, W of shape (outputs, inputs) named "<network>.<position>.weight", b of zeros
    /// named
    /// "<network>.<position>.bias".
    void add_dense(std::size_t inputs, std::size_t outputs, const Initializer& initializer,
                   std::uint64_t seed);

    /// Appends the layers' nodes to the graph of `x`; they carry the caller's line.
    Tensor operator()(Operand x) const;

    const std::string& name() const { return name_; }
    const std::vector<Variable>& variables() const { return variables_; }

 private:
    std::string name_;
    std::vector<Layer> layers_;
    std::vector<Variable> variables_;
};

/// x W^T + b: x of shape (batch, inputs), weight (outputs, inputs), bias (outputs).
Tensor dense(Operand x, const Variable& weight, const Variable& bias);

/// A multilayer perceptron: dense layers of these widths, `hidden` after each but the last, `output` after
/// the last. Weights Glorot-uniform unless said otherwise, biases zero. Throws Error for fewer than two
/// widths or a width of zero.
Network mlp(std::string name, const std::vector<std::size_t>& widths, const Activation& hidden,
            const Activation& output, std::uint64_t seed, const Initializer& initializer = {},
            Where where = {});

}  // namespace duet::models
