#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <duet/data/dataset.hpp>

namespace duet::models {

// Samplers whose quality is known beforehand: a score is read beside theirs.

/// Some of the images of a data set, with their labels, in the order of `indices`. Throws Error for one that
/// is not there.
Dataset chosen_images(const Dataset& data, const std::vector<std::size_t>& indices);
/// `count` different numbers below n, at most all of them, drawn by the seed.
std::vector<std::size_t> drawn_indices(std::size_t n, std::size_t count, std::uint64_t seed);
/// Images whose values are independent normals with each value's mean and variance in the data set, rounded
/// to bytes.
Dataset gaussian_images(const Dataset& data, std::size_t count, std::uint64_t seed);

}  // namespace duet::models
