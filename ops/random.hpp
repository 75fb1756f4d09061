#pragma once

#include <string>

#include <duet/graph/shape.hpp>
#include <duet/graph/tensor.hpp>

namespace duet {

class Graph;

/// Draws of random numbers. A draw is decided by the graph's seed, the node's name, the run's draw number and
/// the element's place, and by nothing else: not by the shape, by other nodes or by the number of threads. In
/// float and in double it is the same number up to rounding. Names need not be the program's only ones, but
/// two random nodes of a graph must not share one: that throws Error naming both lines, as does an empty
/// name.
///
/// The words come from Philox4x32-10 (philox.hpp): element 64 g + 16 j + i is made of word j of block 16 g +
/// i, for j < 4 and i < 16; normals of words j and j + 1 together, j even.

/// Independent standard normals, by Box and Muller's method (1958): sqrt(-2 log u) times the cosine and the
/// sine of 2 pi v. None is beyond 6.67 in size, which a normal is with probability 3e-11.
Tensor random_normal(Graph& graph, std::string name, const Shape& shape, Where where = {});

/// Independent draws from [0, 1), multiples of 2^-24.
Tensor random_uniform(Graph& graph, std::string name, const Shape& shape, Where where = {});

/// Independent draws that are 1 with probability `p` (to 2^-24) and else 0. Throws Error unless 0 <= p <= 1.
Tensor bernoulli(Graph& graph, std::string name, const Shape& shape, double p, Where where = {});

}  // namespace duet
