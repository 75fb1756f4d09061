#pragma once

#include <functional>
#include <memory>
#include <optional>

#include <duet/models/metrics/estimate.hpp>
#include <duet/models/metrics/neighbours.hpp>

namespace duet::models {

/// What a metric may look at: samples of a reference and fakes, as one network sees them.
class Evidence {
 public:
    /// `fake_probabilities` may be null: of a network that tells no classes. Throws Error as `check_pair`.
    Evidence(std::shared_ptr<const Samples> real, std::shared_ptr<const Samples> fake,
             std::shared_ptr<const Samples> fake_probabilities = nullptr, std::size_t threads = 1);

    const Samples& real() const { return *real_; }
    const Samples& fake() const { return *fake_; }
    const Samples* fake_probabilities() const { return fake_probabilities_.get(); }
    std::size_t threads() const { return threads_; }
    /// Measured when first asked for: four metrics come of the same distances.
    const NeighbourScores& neighbours() const;

 private:
    std::shared_ptr<const Samples> real_, fake_, fake_probabilities_;
    std::size_t threads_;
    mutable std::optional<NeighbourScores> neighbours_;
};

/// A metric of a catalogue's row.
struct MetricBuilder {
    enum class Better { lower, higher };
    Better better;
    bool of_pairs = true;        ///< whether it compares fakes with a reference
    bool needs_classes = false;  ///< whether it looks at probabilities
    bool share = false;          ///< whether it lies between 0 and 1
    std::function<Jackknife(const Evidence&)> measure;
};

}  // namespace duet::models
