#pragma once

#include <cstddef>
#include <cstdint>

#include <duet/models/metrics/estimate.hpp>

namespace duet::models {

/// How likely held-out samples are under what fakes say of the law: Feature Likelihood Divergence
/// (Jiralerspong et al. 2023, "Feature likelihood divergence: evaluating the generalization of generative
/// models using samples", section 3, with the constants of its code, marcojira/fld). It has no
/// interval.
///
/// Features are brought to mean 0 and variance 1 of the held-out samples. Gaussians about the fakes, each
/// with a variance of its own, are fitted to the training samples: a fake that repeats one gets the least
/// variance, and is worth nothing to a held-out sample.
struct FeatureLikelihood {
    /// 100 (held_out_loss - baseline_loss): about 0 for fakes as good as training samples, more for worse
    /// ones, above 1000 where nearly all are copies.
    double divergence;
    /// 100 (train_loss - held_out_loss): below 0 if training samples are likelier than held-out ones.
    double generalisation_gap;
    /// Mean negative log-likelihoods over d, in nats; that of held-out samples under Gaussians about half of
    /// the training samples, at most as many as there are fakes, fitted to the rest of them.
    double train_loss, held_out_loss, baseline_loss;
    /// The fakes used: all, or 10,000 drawn from more.
    std::size_t fakes;
    /// Features that are the same in all held-out samples, which the published code divides by 0 for; they
    /// are left out.
    std::size_t constant_features;
};

/// Of training samples (l, d), held-out ones (n, d) and fakes (m, d). Which samples are drawn depends on
/// `seed` alone. It takes 50 passes over l m pairs, and 4 bytes for each of at most 10,000 l pairs.
///
/// Throws Error as `check_pair` does, and if all features of the held-out samples are constant.
FeatureLikelihood feature_likelihood(const Samples& train, const Samples& held_out, const Samples& fake,
                                     std::uint64_t seed = 0, std::size_t threads = 1);

}  // namespace duet::models
