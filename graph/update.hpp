#pragma once

#include <vector>

#include <duet/graph/tensor.hpp>
#include <duet/graph/variable.hpp>
#include <duet/graph/where.hpp>

namespace duet {

/// What a variable becomes at the end of a run: `value`, of the variable's shape, computed from the values
/// that all variables had at the start. `where` is the line that asked for it.
struct Update {
    Variable variable;
    Tensor value;
    Where where = {};
};

using Updates = std::vector<Update>;

}  // namespace duet
