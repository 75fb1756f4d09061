#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <duet/models/gan_trainer.hpp>

namespace duet::tools {

/// Makes a trainer of the same initial weights, data and options each time, but for CompileOptions::fuse and
/// CompileOptions::rewrite.
using MakeTrainer = std::function<std::unique_ptr<models::GanTrainer>(bool fuse, bool rewrite)>;

struct Verification {
    /// A line for each variable: whether fusion kept its bits, and how far rewriting moved it.
    std::string text;
    bool passed;
};

/// Runs `steps` steps of the programs as compiled, without fusion, and without fusion and rewriting, each
/// step from the same values, and compares what they make of every variable. Passed if fusion changed no bit
/// and rewriting, which may round differently, moved nothing by more than |a - b|_2 = 1e-6 |b|_2.
Verification verify(const MakeTrainer& make_trainer, std::uint64_t steps);

}  // namespace duet::tools
