#pragma once

#include <memory>

#include <duet/models/training/training.hpp>

namespace duet::models {

/// Gradients of a global norm of at most `most`, for Phase::gradient_rule: with n the norm of all gradients
/// of the phase together, each is multiplied by min(1, most / (n + 1e-6)), as by
/// torch.nn.utils.clip_grad_norm_ (Pascanu et al. 2013, algorithm 1). The gradients are those of the rule
/// `of`, or the tape's without one. Throws Error unless `most` is positive and finite.
GradientRule clip_by_global_norm(double most, const GradientRule& of = {});

/// Weights between -bound and bound, for Phase::updates: every value that a step makes of a variable that the
/// optimizer trains is clipped, its slots and all other updates are left alone (Arjovsky et al. 2017,
/// algorithm 1, whose bound is 0.01). Weights are first clipped by the first step. Throws Error for an empty
/// optimizer, and unless the bound is positive and finite.
UpdateRule clip_weights(const std::shared_ptr<const Optimizer>& optimizer, double bound);

}  // namespace duet::models
