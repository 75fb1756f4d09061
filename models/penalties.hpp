#pragma once

#include <duet/autodiff/gradient_tape.hpp>
#include <duet/graph/graph.hpp>

namespace duet::models {

/// R1 of Mescheder et al. 2018, equation 9: weight/2 * mean over real images of |grad_x D(x)|^2, a scalar.
///
/// `real_score` (batch, 1) are the discriminator's logits on `real` (batch, ...). Build it while `tape`, the
/// one that will differentiate the discriminator's loss, is open: the penalty differentiates through its own
/// gradient nodes, and the tape refuses a loss whose path runs through nodes it did not record. Throws Error
/// for a negative or non-finite weight.
Tensor r1(const GradientTape& tape, Operand real_score, const Tensor& real, double weight);

}  // namespace duet::models
