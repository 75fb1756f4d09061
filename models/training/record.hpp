#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace duet::models {

/// What a step of a training measured: names beside values, in one order for the whole training.
struct Record {
    std::uint64_t step;  ///< counted from one
    std::span<const std::string> names;
    std::span<const double> values;

    bool has(std::string_view name) const;
    /// Throws Error, listing the names there are, for another one.
    double operator[](std::string_view name) const;
};

/// Is shown the records of a training: a table, a progress line, a detector. Nothing else knows what is
/// measured.
class Observer {
 public:
    virtual ~Observer() = default;
    virtual void see(const Record& record) = 0;
};

}  // namespace duet::models
