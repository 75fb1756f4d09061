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
};

/// Adam (Kingma and Ba 2015) as torch.optim.Adam computes it: at step t, counted from one,
/// m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2,
/// p <- p - rate m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon).
/// The slots are called `mean` and `square`.
class Adam final : public Optimizer {
 public:
    /// Throws Error for options outside their ranges.
    explicit Adam(std::string name, AdamOptions options = {}, Where where = {});

 private:
    Updates build(Graph& graph, const VariableGradients& gradients) override;

    AdamOptions options_;
};

}  // namespace duet
