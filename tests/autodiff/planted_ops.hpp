#pragma once

#include <memory>
#include <string>
#include <vector>

#include <duet/graph/op.hpp>

#include "op_cases.hpp"

namespace duet {

/// A case with an op that breaks a promise, as the report is to call it.
struct PlantedCase {
    std::string promise;
    OpCase row;
};

/// At least one for every promise.
std::vector<PlantedCase> planted_cases();
/// Those of elementwise ops.
std::vector<PlantedCase> planted_blocks();

/// The ops that the planted ones are made of break none.
std::vector<OpCase> honest_cases();

/// The op applied to inputs of these shapes.
OpCase case_of(const std::shared_ptr<const Op>& op, std::vector<Shape> shapes);

}  // namespace duet
