#pragma once

#include <duet/graph/compiler/arrangement.hpp>
#include <duet/graph/graph.hpp>
#include <duet/graph/runtime/program_state.hpp>

namespace duet {

/// Turns a plan and its arrangement into a program's instructions, slots and report, and makes its arena
/// large enough.
template <class T>
void lower(const Graph& graph, const Plan& plan, const Arrangement& arrangement,
           const CompileOptions& options, typename Program<T>::State& state);
extern template void lower<float>(const Graph&, const Plan&, const Arrangement&, const CompileOptions&,
                                  Program<float>::State&);
extern template void lower<double>(const Graph&, const Plan&, const Arrangement&, const CompileOptions&,
                                   Program<double>::State&);

}  // namespace duet
