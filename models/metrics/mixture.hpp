#pragma once

#include <cstddef>
#include <vector>

#include <duet/models/metrics/distances.hpp>

namespace duet::models {

/// A mixture of Gaussians of equal weight about given centres, each with one variance: log variances.
///
/// They are fitted as in Jiralerspong et al. 2023 and its code (marcojira/fld, MoG.py): beginning at
/// log((least squared distance + 1e-3) / d), 50 epochs of Adam with rate 0.5 on the mean negative
/// log-likelihood over d of `samples`, in batches of 10,000, clamped to [-40, 20] after each step. While
/// fitting, one more Gaussian about the samples' mean, of squared distances times 0.81 and a variance of its
/// own, gives every sample a likelihood.
///
/// Squared distances and likelihoods are float32, sums float64. They take 4 bytes a pair of a centre and a
/// sample, of at most 10,000 samples at a time.
std::vector<double> fit_mixture(const Rows& centres, const Rows& samples, std::size_t threads);

/// The mean negative log-likelihood, over d, of samples under that mixture.
double mixture_loss(const Rows& centres, const std::vector<double>& log_variances, const Rows& samples,
                    std::size_t threads);

}  // namespace duet::models
