#pragma once

#include <string>
#include <vector>

#include <duet/data/onnx_nodes.hpp>
#include <duet/graph/graph.hpp>

namespace duet {

/// The nodes that the ONNX form of a node takes its inputs from. They are the node's own, but for what ONNX
/// does by itself: its binary operators broadcast, so that what a broadcast_to repeats is passed as it is
/// where another argument has the whole shape; and take_at of the places that max_pool2d_places finds is a
/// MaxPool.
std::vector<NodeId> onnx_operands(const Graph& graph, NodeId id);

/// Writes the node of an op as operators of set 13 (https://onnx.ai/onnx/operators/) that compute the same
/// from the values called `operands`, in the order of onnx_operands, and returns the name of the result. An
/// op is known by its name and attributes. Throws Error naming node, op and line for an op without a mapping.
///
/// NaN aside, results are Duet's to rounding. expm1 and log1p are composed of Exp and Log, with their
/// rounding near 0. What an index outside its range gives is the reader's matter.
std::string add_onnx_operator(OnnxNodes& onnx, const Graph& graph, NodeId id,
                              const std::vector<std::string>& operands);

}  // namespace duet
