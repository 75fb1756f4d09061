#pragma once

#include <cstddef>

#include <duet/models/metrics/estimate.hpp>

namespace duet::models {

/// The Vendi score (Friedman and Dieng 2023, arXiv 2210.02410, definition 3.1): exp(- sum_i l_i log l_i), the
/// l being the eigenvalues of K / n, K_ij = k(x_i, x_j) a similarity with k(x, x) = 1. It is the number of
/// kinds of samples, from 1 (all alike) to n (all different): samples in c equal groups, at right angles to
/// each other, score c.
///
/// Here k is the cosine of the angle between samples, so that the eigenvalues are those of X^T X / n, (d, d),
/// the rows of X being the samples scaled to unit length: time grows with n d^2 + d^3, and the score is at
/// most d. Samples of zeros have no direction; they count as alike, and at right angles to all others.
///
/// The estimate is the value itself, the left-out blocks being those of the one side; it falls short of the
/// score of infinitely many samples. Throws Error as `check_samples` does, and without OpenBLAS.
Jackknife vendi_score(const Samples& fake, std::size_t threads = 1);

/// The Vendi score of any kernel's matrix K, (n, n): K = [[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]] scores 2.1573.
/// Throws Error if it is not symmetric (to 1e-9), its diagonal is not 1, or an eigenvalue of K / n is
/// below -1e-9: then k is no kernel and the score has no meaning.
double vendi_score_of_kernel(const Samples& kernel);

}  // namespace duet::models
