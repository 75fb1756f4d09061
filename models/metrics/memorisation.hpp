#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <duet/models/metrics/estimate.hpp>

namespace duet::models {

/// One cell of the space in which copying is looked for.
struct CopyingCell {
    std::size_t train, held_out, fake;  ///< samples in it
    /// Mann-Whitney's z of the fakes' distances to the nearest training sample in the cell against the
    /// held-out ones': negative if fakes are nearer. 0 if the cell does not count.
    double z;
    bool counts;  ///< whether it has more than `copying_cell_fakes` fakes, a held-out and a training sample
};

/// A cell with no more fakes than these is left out (the authors' threshold tau = 20 / fakes).
inline constexpr std::size_t copying_cell_fakes = 20;

/// A fake and the training sample it repeats.
struct Copy {
    std::size_t fake, train;
    double distance;
};

struct MemorisationOptions {
    /// Cells of k-means on the training samples in which copying is looked for.
    std::size_t cells = 1;
    /// Of k-means, and of the training samples that `nearer_to_train` compares.
    std::uint64_t seed = 0;
    /// The share of held-out samples that are nearer to a training sample than `near_distance`.
    double near_share = 0.001;
};

/// Whether fakes repeat training samples, held-out samples of the same law being the measure.
struct Memorisation {
    /// C_T (Meehan, Chaudhuri, Dasgupta 2020, "A non-parametric test to detect data-copying in generative
    /// models", section 3): the mean of the cells' z = (U - nm/2) / sqrt(nm (n + m + 1) / 12), U counting the
    /// pairs in which the fake is farther from its nearest training sample, ties half, weighted by the
    /// held-out samples in them. Below -3 fakes copy; above 3 they are farther off than fresh samples are.
    /// In one cell it is N(0, 1) for fresh samples, and -sqrt(3nm / (n + m + 1)) for a perfect copier; the
    /// mean over several cells has a smaller variance. The authors' code has a continuity correction of half
    /// a pair besides, which this has not. Plain; blocks of held-out samples and fakes are left out, training
    /// samples and cells stay.
    Jackknife copying;
    std::vector<CopyingCell> cells;

    /// The share of fakes that are nearer to one of `compared` training samples than to one of as many
    /// held-out ones, ties counting half: 1/2 of fresh samples, 1 of copies of all training samples. Where
    /// one side has more samples, as many as the other has are drawn. Plain; a block of all three is left
    /// out.
    Jackknife nearer_to_train;
    std::size_t compared;

    /// The fakes that are equal to a training sample, value for value, and to which.
    std::vector<Copy> exact;
    /// The others that are nearer to a training sample than `near_distance`, in the order of fakes: so far
    /// from theirs is the r-th nearest held-out sample, r = max(1, ceil(near_share n)).
    std::vector<Copy> near;
    double near_distance;
    /// Of m fresh samples m r / (n + 1) are expected below that distance, and so many as there are fakes
    /// below it (exact copies too), or more, have this probability: the order in which n + m samples of one
    /// law come is any of the (n + m)! with equal probability. A small one tells of copies.
    double near_expected, near_chance;
    /// Held-out samples that are equal to a training sample. There should be none; they make near_distance 0.
    std::size_t held_out_copies;
};

/// Of training samples (l, d), held-out ones (n, d) and fakes (m, d). Depends on these, the options' values
/// and nothing else.
///
/// Throws Error as `check_pair` does, if cells is 0 or above the number of different training samples, if
/// near_share is not within [0, 1], and if, without some block, no cell has enough samples.
Memorisation memorisation(const Samples& train, const Samples& held_out, const Samples& fake,
                          const MemorisationOptions& options = {}, std::size_t threads = 1);

}  // namespace duet::models
