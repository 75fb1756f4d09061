#pragma once

#include <cstddef>
#include <cstdint>

#include <duet/graph/compiler/arrangement.hpp>
#include <duet/graph/compiler/plan.hpp>

namespace duet {

/// ProgramReport::fingerprint of a plan of elements of that many bytes.
std::uint64_t fingerprint(const Graph& graph, const Plan& plan, const Arrangement& arrangement,
                          std::size_t element_bytes);

}  // namespace duet
