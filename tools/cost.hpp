#pragma once

#include <string>

#include <duet/models/training/trainer.hpp>

namespace duet::tools {

/// Runs the trainer's step and lists its instructions, a line each, with what they should cost and what they
/// cost: predicted is the larger of FLOPs at the rate of a large matrix product and of bytes at the rate of a
/// copy in cache, both measured here first on one thread and divided among the threads; measured is the
/// median over steps, of the slowest thread.
std::string predicted_and_measured(models::Trainer& trainer);

}  // namespace duet::tools
