#pragma once

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

#include <duet/graph/tensor.hpp>

namespace duet {

/// Elementwise activation functions. NaN propagates through all of them. The kinks are PyTorch's. Throw Error
/// for a slope or alpha that is not finite.

/// max(x, 0), of gradient 0 at 0.
Tensor relu(Operand x);
/// x where x > 0, slope * x elsewhere; of gradient `slope` at 0. The slope is 0.01 if none is given.
Tensor leaky_relu(Operand x, double slope);
Tensor leaky_relu(Operand x);
/// x where x > 0, alpha * (exp(x) - 1) elsewhere; of gradient `alpha` at 0. Alpha is 1 if none is given.
Tensor elu(Operand x, double alpha);
Tensor elu(Operand x);
/// 1 / (1 + exp(-x)), without overflow.
Tensor sigmoid(Operand x);
Tensor tanh(Operand x);
/// log(1 + exp(x)), without overflow and precise at both ends.
Tensor softplus(Operand x);
/// x limited to [low, high]; the bounds themselves pass the gradient. Throws Error unless low <= high.
Tensor clip(Operand x, double low, double high);
/// x itself.
Tensor linear(Operand x);

/// A function of one tensor, such as a layer's activation: any of the unary builders by its name, or a lambda
/// such as
/// `[](Tensor x) { return leaky_relu(x, 0.2); }`.
class Activation {
 public:
    /// Not a template, so that it picks the builder from all functions of a name: beside `using namespace
    /// duet`, `tanh` names C's as well.
    Activation(Tensor (*builder)(Operand)) : function_(builder) {}
    template <class Function>
    requires(!std::same_as<std::remove_cvref_t<Function>, Activation> &&
             std::is_invocable_r_v<Tensor, std::decay_t<Function>&, Tensor>) Activation(Function&& function)
        : function_(std::forward<Function>(function)) {}

    /// The nodes it declares carry the line of this call.
    Tensor operator()(Operand x) const;

 private:
    std::function<Tensor(Tensor)> function_;
};

}  // namespace duet
