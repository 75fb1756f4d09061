#pragma once

#include <memory>
#include <string>
#include <vector>

#include <duet/models/metrics/evidence.hpp>
#include <duet/models/metrics/feature_network.hpp>
#include <duet/models/sampler.hpp>
#include <duet/models/training/trainer.hpp>

namespace duet::tools {

/// Measures images that a training draws, on its way, and adds what it finds to the training's records. One
/// half of the images that are held back is compared with: a checkpoint that is chosen by it is reported by
/// the other.
class Measurement {
 public:
    /// Of a recipe with evaluate.every above 0. Makes the feature network if need be. Throws Error if no
    /// images are held back, a metric is unknown, or it needs classes that there are not.
    Measurement(const models::Catalogue& catalogue, const Spec& recipe, std::shared_ptr<const Dataset> train,
                const models::Model& model, models::Trainer& trainer);

    bool is_due(std::uint64_t step) const { return step % every_ == 0; }
    /// Measures the present weights.
    void measure();

 private:
    std::uint64_t every_;
    std::size_t count_;
    models::Trainer& trainer_;
    std::vector<models::Row> metrics_;
    models::FeatureNetwork network_;
    std::shared_ptr<const Dataset> held_back_;
    std::shared_ptr<const models::Samples> real_;
    models::Sampler sampler_;
};

/// Of the images held back, the half that chooses checkpoints, or the other, which reports.
enum class Half { choosing, reporting };
Dataset half_of(const Dataset& held_back, Half half);

}  // namespace duet::tools
