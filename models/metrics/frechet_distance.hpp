#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <duet/models/metrics/estimate.hpp>

namespace duet::models {

/// The Frechet distance of two normal distributions with the means and covariances of the samples, which with
/// Inception's features is FID (Heusel et al. 2017, arXiv 1706.08500, eq. 6):
///     |m_1 - m_2|^2 + Tr(S_1 + S_2 - 2 (S_1 S_2)^{1/2}), 0 or more.
/// Covariances are those with n - 1, as pytorch-fid's. The trace of the root is the sum of the roots of the
/// eigenvalues of F^T S_2 F with F F^T = S_1, a symmetric matrix, in float64; rounding makes some negative,
/// which count as 0. So covariances may be singular, as those of fewer samples than features or of features
/// that are constant: then the roots' own precision is 1e-8 of the largest eigenvalue.
///
/// The estimate is corrected: the value is too large by c / n, about `frechet_null_bias`. Its interval holds
/// where both sides have at least as many samples as there are features; with half as many, what is left of
/// the bias is ten times the interval (d 100, n 50: 38 on average where the truth is 0).
///
/// `real` is (n_1, d), `fake` (n_2, d). Throws Error as `check_pair` does, where values are so large that
/// their squares overflow, and without OpenBLAS. Memory beside the samples: a copy of them, and five (d, d)
/// matrices a thread.
Jackknife frechet_distance(const Samples& real, const Samples& fake, std::size_t threads = 1);

/// What the Frechet distance of n_1 to n_2 samples of one normal distribution is on average, `eigenvalues` l
/// being those of its covariance:
///     (1 / n_1 + 1 / n_2) (5/4 sum_i l_i + sum_ij l_i l_j / (2 (l_i + l_j))).
/// It comes from expanding the distance to the second order in the errors of means and covariances. Where all
/// l are 1 it is (d^2 + 5 d) / 4 (1 / n_1 + 1 / n_2). Negative eigenvalues, such as rounding leaves, count as
/// 0. Throws Error if n_1 or n_2 is 0 or an eigenvalue is not finite.
double frechet_null_bias(std::span<const double> eigenvalues, std::size_t n_1, std::size_t n_2);

/// The eigenvalues, in ascending order, of the covariance of samples (n, d), with n - 1. Throws Error as
/// `frechet_distance`.
std::vector<double> covariance_eigenvalues(const Samples& samples, std::size_t threads = 1);

}  // namespace duet::models
