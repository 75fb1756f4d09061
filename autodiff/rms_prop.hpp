#pragma once

#include <string>

#include <duet/autodiff/optimizer.hpp>

namespace duet {

struct RmsPropOptions {
    /// The learning rate; positive.
    double rate = 1e-2;
    /// How much of the mean squared gradient a step keeps, PyTorch's alpha; in [0, 1).
    double decay = 0.99;
    /// Added to the root of the mean square; not negative.
    double epsilon = 1e-8;
    /// In [0, 1). At zero there is no momentum slot.
    double momentum = 0.0;
    /// Divides by the standard deviation of the gradient in place of its root mean square.
    bool centered = false;
};

/// RMSProp as torch.optim.RMSprop computes it: v <- decay v + (1 - decay) g^2 and p <- p - rate g / (sqrt(v)
/// + epsilon). With momentum, b <- momentum b + g / (sqrt(v) + epsilon) and p <- p - rate b. If centered,
/// with m <- decay m + (1 - decay) g, the root is of v - m^2. The slots are called `square`, `momentum` and
/// `mean`.
class RmsProp final : public Optimizer {
 public:
    /// Throws Error for options outside their ranges.
    explicit RmsProp(std::string name, RmsPropOptions options = {}, Where where = {});

 private:
    Updates build(Graph& graph, const VariableGradients& gradients) override;

    RmsPropOptions options_;
};

}  // namespace duet
