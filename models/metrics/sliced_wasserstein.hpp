#pragma once

#include <cstddef>
#include <cstdint>

#include <duet/models/metrics/estimate.hpp>

namespace duet::models {

/// The sliced Wasserstein distance: 3 d times the mean over random unit directions u of the squared
/// 2-Wasserstein distance of u . x and u . y, which with Inception's features is MIND (Berthet et al. 2026,
/// arXiv 2605.06797). The factor is theirs and torch-fidelity's: a shift by m of every coordinate costs
/// 3 d m^2. In one dimension the distance is the integral over p of (Q_x(p) - Q_y(p))^2, Q being the quantile
/// functions, which are steps: so it is exact for n_1 != n_2 too, where torch-fidelity drops a random part of
/// the larger set.
///
/// The estimate is corrected: the value is too large by about c / n, of which about a twentieth stays. The
/// interval is that of the samples, the directions being those of `seed`. Another seed's score differs by
/// more where the distributions differ along one line alone: by about sqrt(2 / directions) of the score.
///
/// `real` is (n_1, d), `fake` (n_2, d). Throws Error as `check_pair` does, without a direction, and where
/// values are so large that their squares overflow. Memory: 12 (n_1 + n_2) numbers a thread for products, and
/// about as many to sort.
Jackknife monge_distance(const Samples& real, const Samples& fake, std::uint64_t seed = 0,
                         std::size_t directions = 1000, std::size_t threads = 1);

/// The same along the given directions (m, d), such as `unit_directions` draws; throws Error if one is not of
/// unit length (to 1e-6) or if their width is another than the samples'.
Jackknife monge_distance_along(const Samples& real, const Samples& fake, const Samples& directions,
                               std::size_t threads = 1);

}  // namespace duet::models
