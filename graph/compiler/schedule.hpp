#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <duet/graph/compiler/units.hpp>

namespace duet {

/// In which order to run ready units; the plan takes whichever needs least memory.
enum class Order { creation, updates_first, depth_first };
std::string to_string(Order order);

/// What must happen before what, and where each update is computed.
struct Dependencies {
    /// The units that wait for each unit, and how many each waits for.
    std::vector<std::vector<std::size_t>> successors;
    std::vector<std::size_t> predecessors;
    /// For each update: true if its value is computed into the variable itself, after the last read of the
    /// value that the variable had at the start; false if it has a buffer of its own that a commit unit
    /// copies at the end.
    std::vector<bool> in_place;
    /// True for units that write a variable.
    std::vector<bool> writes;
};

/// True if running the unit may end in an exception because of the values it is given.
bool may_fail(const Plan& plan, const Unit& unit);

/// Orders data, reads of variables before writes, and everything that may fail before the first write.
/// Appends the commit units that updates need.
Dependencies find_dependencies(const Plan& plan, Units& units);

/// The units in an order that keeps the dependencies.
std::vector<std::size_t> schedule(const Units& units, const Dependencies& dependencies, Order order);

/// True if element i of the unit's stored results depends on element i of `value` alone, so that they may
/// share a buffer.
bool reads_elementwise(const Plan& plan, const Units& units, std::size_t unit, std::size_t value);

}  // namespace duet
