#pragma once

#include <cstddef>

#include <duet/models/metrics/estimate.hpp>

namespace duet::models {

/// How far two sets of samples lie in each other's neighbourhoods. A sample's ball has the distance to its
/// k-th nearest neighbour of its own set, itself not counted, as radius, and holds what is nearer than that.
/// All four are plain (not `corrected`): their mean depends on the number of samples, so compare at equal
/// numbers.
struct NeighbourScores {
    /// The share of fakes in the ball of some real sample, and of real samples in the ball of some fake
    /// (Kynkaanniemi et al. 2019, "Improved precision and recall metric for assessing generative models",
    /// equations 1 and 2). torch-fidelity before 0.4.0 exchanged the two.
    Jackknife precision, recall;
    /// The number of balls of real samples that a fake lies in, over k, on average: 1 is expected of n real
    /// and m fake samples of one law; it may exceed 1. The share of real samples whose ball holds a fake:
    /// 1 - prod for i = 1 ... k of (n - i) / (n + m - i) is expected then. (Naeem et al. 2020, "Reliable
    /// fidelity and diversity metrics for generative models", section 3.)
    Jackknife density, coverage;
};

/// Of samples (n, d) and (m, d). Radii without a block of both sides are those among the samples that remain.
/// Takes three passes over distances, and 21 (n + m) + 20 k max(n, m) numbers of memory beside the samples.
///
/// Throws Error as `check_pair` does, and if k is 0 or, a block being left out, no sample has k others.
NeighbourScores neighbour_scores(const Samples& real, const Samples& fake, std::size_t k = 5,
                                 std::size_t threads = 1);

}  // namespace duet::models
