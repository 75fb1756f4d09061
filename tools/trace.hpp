#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <duet/models/training/trainer.hpp>

namespace duet::tools {

/// When each instruction of some steps ran, as a file of Chrome's trace event format (JSON), which
/// chrome://tracing and Perfetto draw: a row a thread, with FLOPs, bytes and GFLOP/s of each instruction.
class Trace {
 public:
    /// Adds a step that the trainer has just run with profiling on. The programs of a step stand one behind
    /// the other; what happens between their runs is left out.
    void add(std::uint64_t step, const models::Trainer& trainer);
    /// Throws FileError if the file cannot be written.
    void write(const std::filesystem::path& path) const;

 private:
    std::string events_;
    double now_ = 0;
};

}  // namespace duet::tools
