#pragma once

#include <string>

#include <duet/graph/tensor.hpp>

namespace duet {

/// Dropout in training (Srivastava et al. 2014): each element of x is 0 with probability `probability` and
/// else divided by 1 - probability, so that its expectation stays; in inference x itself is used. `name` is
/// that of the random node and decides, with the graph's seed and the draw number, which elements stay; no
/// two random nodes of a graph may share one. Throws Error unless 0 <= probability <= 1, and as
/// random_uniform does.
Tensor dropout(Operand x, std::string name, double probability);

}  // namespace duet
