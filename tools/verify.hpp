#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <duet/models/training/trainer.hpp>

namespace duet::tools {

/// Makes a trainer of the same initial weights, data and options each time, but for CompileOptions::fuse and
/// CompileOptions::rewrite.
using MakeTrainer = std::function<models::Trainer(bool fuse, bool rewrite)>;

struct Verification {
    /// A line for each variable: whether fusion kept its bits, and how far rewriting moved it.
    std::string text;
    bool passed;
};

/// Runs `steps` steps of the programs as compiled, without fusion, and without fusion and rewriting, each
/// step from the same values, and compares what they make of every variable. Passed if fusion changed no bit
/// and rewriting, which may round differently, moved no variable by more than 1e-6 of its norm and a
/// thousandth of what the step changed it by. A variable whose gradient is zero but for rounding, such as a
/// bias before batch normalisation, moves by that rounding alone, made large by Adam: it is not held to this.
Verification verify(const MakeTrainer& make_trainer, std::uint64_t steps);

}  // namespace duet::tools
