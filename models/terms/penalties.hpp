#pragma once

#include <string>

#include <duet/autodiff/gradient_tape.hpp>
#include <duet/graph/graph.hpp>

namespace duet::models {

// Where scores judge packs of k consecutive images (Lin et al. 2018, PacGAN), there are n / k of them for n
// images: means are then over packs, and the squared norm of a gradient is over all values of a pack.

/// R1 of Mescheder et al. 2018, equation 9: weight/2 * mean over real images of |grad_x D(x)|^2, a scalar.
///
/// `real_score` (batch, 1) are the discriminator's logits on `real` (batch, ...). Build it while `tape`, the
/// one that will differentiate the discriminator's loss, is open: the penalty differentiates through its own
/// gradient nodes, and the tape refuses a loss whose path runs through nodes it did not record. Throws Error
/// for a negative or non-finite weight, and ShapeError unless there is one score for each image or for each
/// pack of them.
Tensor r1(const GradientTape& tape, Operand real_score, Operand real, double weight);

/// A point on the line between each real image and the fake one of its place: e real + (1 - e) fake, e drawn
/// uniformly from [0, 1) for each pair by the random node `name` (Gulrajani et al. 2017, section 4). Throws
/// ShapeError unless both have one shape.
Tensor interpolated(Operand real, Operand fake, const std::string& name = "interpolation");

/// The gradient penalty of Gulrajani et al. 2017, equation 3: weight * mean over points of
/// (|grad_x D(x)| - 1)^2, a scalar; their weight is 10. The norm is sqrt(sum of squares + 1e-12), whose
/// gradient is finite at zero.
///
/// `score` (batch, 1) are the critic's scores at `points` (batch, ...), each of which must depend on its own
/// point alone: a critic has no batch normalisation. Build it while the tape is open, as r1. Throws as r1.
Tensor gradient_penalty(const GradientTape& tape, Operand score, Operand points, double weight);

/// The zero-centred gradient penalty of Thanh-Tung et al. 2019: weight * mean over points of |grad_x D(x)|^2,
/// a scalar, at points between real and fake images (`interpolated`), of logits. The weight is their lambda:
/// unlike R1's it is not halved, so that at real images it would be R1 of twice the weight. `score` and
/// `points`, and what it throws, are as in gradient_penalty.
Tensor zero_centred_penalty(const GradientTape& tape, Operand score, Operand points, double weight);

}  // namespace duet::models
