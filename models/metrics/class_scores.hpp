#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <duet/models/metrics/estimate.hpp>

namespace duet::models {

/// exp(mean over x of KL(p(y|x) || mean p)) of a classifier's probabilities (n, classes), from 1 (all alike)
/// to `classes` (certain, and all classes equally often): the Inception score (Salimans et al. 2016,
/// "Improved techniques for training GANs", section 4) of whichever classifier gave them, over all samples at
/// once instead of the mean over ten splits, which is lower. Plain.
///
/// Throws Error as `check_samples` does, or if a row is no distribution: a value below 0, or a sum that is
/// not 1 within 1e-4.
Jackknife inception_score(const Samples& probabilities);

/// The class of the largest probability of each sample, the first of equal ones. Throws Error as above.
std::vector<std::size_t> predicted_classes(const Samples& probabilities);

/// How often each class is met among n samples.
struct ModeHistogram {
    std::vector<std::size_t> counts;
    /// Classes met at all, and with at least five samples: of many classes a classifier's errors make some
    /// seem met that never are.
    std::size_t met, met_five_times;
    /// KL(counts || reference) in nats. Plain: of n samples of the reference itself it is about
    /// `divergence_bias` = (K - 1) / 2n on average, K being the classes of the reference, so that is the
    /// least to be expected.
    Jackknife divergence;
    double divergence_bias;
};

/// `reference` holds a weight for each class (such as its count in a data set), taken as exact; without one,
/// all `class_count` classes are equally likely. Throws Error for fewer than 40 samples, a class not below
/// class_count, weights that are negative, not finite, all 0 or not class_count many, and if a class of
/// weight 0 is met.
ModeHistogram mode_histogram(std::span<const std::size_t> classes, std::size_t class_count,
                             std::span<const double> reference = {});

/// Of one class.
struct ClassAccuracy {
    std::size_t wanted;     ///< samples that should show it
    std::size_t right;      ///< those of them that do
    std::size_t predicted;  ///< samples that show it, wanted or not
};

/// Whether samples show the classes that were asked for.
struct LabelAccuracy {
    Jackknife accuracy;  ///< the share that does. Plain.
    std::vector<ClassAccuracy> classes;
};

/// Throws Error for fewer than 40 samples, another number of wanted labels than of predicted ones, and a
/// class not below class_count.
LabelAccuracy label_accuracy(std::span<const std::size_t> predicted, std::span<const std::size_t> wanted,
                             std::size_t class_count);

}  // namespace duet::models
