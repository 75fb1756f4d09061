#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <duet/models/metrics/distances.hpp>
#include <duet/models/metrics/memorisation.hpp>

namespace duet::models {

/// In which cell samples are, and how far from the nearest training sample of that cell (squared).
struct CellDistances {
    struct Sample {
        std::size_t cell;
        double distance;
    };
    std::vector<std::size_t> train;  ///< training samples of each cell
    std::vector<Sample> held_out, fake;
};

/// Cells of k-means on the training samples. Throws Error as `k_means`.
CellDistances in_cells(const Rows& train, const Rows& held_out, const Rows& fake, std::size_t cells,
                       std::uint64_t seed, std::size_t threads);
/// The whole space.
CellDistances in_one_cell(std::size_t train, const std::vector<Nearest>& held_out,
                          const std::vector<Nearest>& fake);

/// C_T, and the cells it is made of. Throws Error if none counts.
Jackknife copying_score(const CellDistances& distances, std::vector<CopyingCell>& cells);

}  // namespace duet::models
