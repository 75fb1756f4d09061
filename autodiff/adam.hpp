#pragma once

#include <string>

#include <duet/autodiff/optimizer.hpp>

namespace duet {

struct AdamOptions {
    /// The learning rate; positive.
    double rate = 1e-3;
    /// How much of the mean gradient a step keeps; in [0, 1).
    double beta1 = 0.9;
    /// How much of the mean squared gradient a step keeps; in [0, 1).
    double beta2 = 0.999;
    /// Added to the root of the mean square; not negative.
    double epsilon = 1e-8;
    /// The decoupled decay: each step takes rate * weight_decay of a weight away. Not negative.
    double weight_decay = 0.0;
    /// Whether beta2 is read from the variable `<optimizer>.beta2`, which starts as `beta2` and can be
    /// changed between runs to a number in [0, 1): see Optimizer::scheduled_options.
    bool scheduled_beta2 = false;
};

/// Adam (Kingma and Ba 2015) as torch.optim.Adam computes it: at step t, counted from one,
/// m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2,
/// p <- p - rate m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon).
/// With a weight decay it is AdamW (Loshchilov and Hutter 2019, algorithm 2) as torch.optim.AdamW computes
/// it, whose decay is multiplied by the rate: p is replaced by (1 - rate weight_decay) p before the step is
/// taken. A scheduled beta2 stands for every past one in beta2^t, as in torch where `betas` change between
/// steps. The slots are called `mean` and `square`.
class Adam final : public Optimizer {
 public:
    /// Throws Error for options outside their ranges.
    explicit Adam(std::string name, AdamOptions options = {}, Where where = {});

 private:
    Updates build(Graph& graph, const VariableGradients& gradients) override;

    AdamOptions options_;
};

}  // namespace duet
