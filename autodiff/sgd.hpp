#pragma once

#include <string>

#include <duet/autodiff/optimizer.hpp>

namespace duet {

struct SgdOptions {
    /// The learning rate; positive.
    double rate = 1e-2;
    /// In [0, 1). At zero there are no slots.
    double momentum = 0.0;
    /// Looks ahead along the momentum, which must be positive then.
    bool nesterov = false;
};

/// Stochastic gradient descent as torch.optim.SGD has it, without dampening: with the slot v <- momentum v +
/// g, the step is p <- p - rate v, or p <- p - rate (g + momentum v) with `nesterov`; without momentum p <- p
/// - rate g.
class Sgd final : public Optimizer {
 public:
    /// Throws Error for options outside their ranges.
    explicit Sgd(std::string name, SgdOptions options = {}, Where where = {});

 private:
    Updates build(Graph& graph, const VariableGradients& gradients) override;

    SgdOptions options_;
};

}  // namespace duet
