#pragma once

#include <cstddef>

#include <duet/models/metrics/estimate.hpp>

namespace duet::models {

/// The squared maximum mean discrepancy by the kernel k(x, y) = (x . y / d + 1)^3, which with Inception's
/// features is KID (Binkowski et al. 2018, arXiv 1801.01401, section 4), as the U-statistic of all samples
/// (Gretton et al. 2012, eq. 3):
///     mean of k(x_i, x_j) over i != j + mean of k(y_i, y_j) over i != j - 2 mean of k(x_i, y_j).
/// It has no bias, so the estimate is the value itself; of equal distributions it is as often below 0 as
/// above. Published tools take the mean of many subsets instead, whose spread is not its standard error.
///
/// `real` is (n_1, d), `fake` (n_2, d). Time grows with (n_1 + n_2)^2 d; memory is a copy of the samples and
/// one MiB a thread. Throws Error as `check_pair` does, and where a value is so large that its kernel
/// overflows.
Jackknife kernel_distance(const Samples& real, const Samples& fake, std::size_t threads = 1);

}  // namespace duet::models
