#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <xtensor/xarray.hpp>

#include <duet/graph/array.hpp>
#include <duet/graph/graph.hpp>
#include <duet/graph/update.hpp>

#include "dice.hpp"

namespace duet::testing {

/// An input of a graph and what it is fed.
struct FedInput {
    Tensor tensor;
    Range range;
};

/// A graph, what it is fed and what is asked of it.
struct GraphCase {
    struct Parameter {
        Variable variable;
        Array initial;
    };

    std::unique_ptr<Graph> graph;
    std::vector<FedInput> inputs;
    /// All that the graph reads or updates.
    std::vector<Parameter> parameters;
    std::vector<Tensor> fetches;
    std::vector<Updates> updates;
    /// What may be fetched beside without changing a bit of what is updated.
    std::vector<Tensor> more_fetches;
};

/// What was compared.
struct ComparisonCounts {
    std::size_t graphs, nodes, programs;
    /// Tensors, of each run and each program.
    std::size_t by_bits, by_number;
    /// Tensors that rounding alone moves too far to be compared by number.
    std::size_t unsteady;
};

/// Runs the graph as all the programs that must compute the same, each twice in succession on different feeds
/// drawn by `seed`, on poisoned memory.
/// - Fetches and updated variables are the same bits fused and unfused, with machine code and without, on 1,
/// 2
///   and 3 threads. So are the variables if more is fetched, and if fetches are checked and runs profiled.
/// - They are within 1e-6 of the norm of what they are without rewrites, and within 1e-4 in float64; or, if
///   that is more, within eight times as far as rounding moves them (see with_rounding_noise). They are not
///   compared by number where rounding alone moves them by more than the 1e-6 or 1e-4.
/// - Fused programs need no arena much larger than the unfused one's.
///
/// Returns what differs, line by line; nothing if all is well.
std::string differences(const GraphCase& graph_case, std::uint64_t seed, ComparisonCounts& counts);

}  // namespace duet::testing
