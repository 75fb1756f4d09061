#pragma once

#include "compared_programs.hpp"

namespace duet::testing {

/// The same graph with every result of arithmetic multiplied by 1 and a random rounding of float: how far a
/// float64 program of it is from one of the graph itself shows how well conditioned the graph is (Monte Carlo
/// arithmetic; Parker 1997).
GraphCase with_rounding_noise(const GraphCase& graph_case, std::uint64_t seed);

/// The nodes that fetches and updates are made of.
std::vector<bool> needed_nodes(const GraphCase& graph_case, const std::vector<Tensor>& fetches);

}  // namespace duet::testing
