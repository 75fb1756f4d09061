#pragma once

#include <vector>

#include <duet/models/training/training.hpp>

namespace duet::models {

struct AdaptiveStepsOptions {
    /// More discriminator steps are made where it tells no larger share of the generator's images.
    double threshold = 0.6;
    /// Steps of the generator between two changes, at least.
    std::size_t hold = 200;
    /// The most discriminator steps for one of the generator.
    std::size_t most = 500;
};

/// How many discriminator steps go before a generator's, by the rule of Bie et al. 2023, "Private GANs,
/// revisited", section 4.2: after each of the generator's steps accuracy <- 0.99 accuracy + 0.01
/// fake_accuracy, where the metric "fake_accuracy" is the share of its images that the discriminator scores
/// below 0 and the first one is taken whole. Once accuracy <= threshold, the next of 1, 2, 5, 10, 20, 50,
/// 100, 200, 500 is taken, unless it is above `most` or `hold` steps have not gone by since the last change.
class AdaptiveSteps final : public RepeatRule {
 public:
    explicit AdaptiveSteps(const AdaptiveStepsOptions& options);

    std::size_t repeats() const override;
    void see(const Record& record) override;
    std::vector<Variable> variables() const override { return {accuracy_, level_, held_}; }

    /// The metric that the rule reads: of the phase that trains the generator.
    static Term fake_accuracy();

 private:
    AdaptiveStepsOptions options_;
    Variable accuracy_, level_, held_;
};

}  // namespace duet::models
