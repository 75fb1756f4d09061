#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <duet/models/metrics/distances.hpp>

namespace duet::models {

/// Centres (cells, width) of k-means on the rows: seeds drawn with probability in proportion to the squared
/// distance to the nearest seed so far (Arthur and Vassilvitskii 2007, "k-means++"), then Lloyd's steps until
/// no row changes its cell, at most 100. It depends on (rows, cells, seed) alone. Throws Error if cells is 0
/// or there are fewer different rows than cells.
std::vector<double> k_means(const Rows& rows, std::size_t cells, std::uint64_t seed, std::size_t threads);

}  // namespace duet::models
