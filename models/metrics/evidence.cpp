#include <duet/models/metrics/evidence.hpp>

#include <utility>

#include <xtensor/xarray.hpp>

namespace duet::models {

Evidence::Evidence(std::shared_ptr<const Samples> real, std::shared_ptr<const Samples> fake,
                   std::shared_ptr<const Samples> fake_probabilities, std::size_t threads)
    : real_(std::move(real)),
      fake_(std::move(fake)),
      fake_probabilities_(std::move(fake_probabilities)),
      threads_(threads) {
    check_pair(*real_, *fake_);
}

const NeighbourScores& Evidence::neighbours() const {
    constexpr std::size_t neighbour = 5;
    if (!neighbours_) neighbours_ = neighbour_scores(*real_, *fake_, neighbour, threads_);
    return *neighbours_;
}

}  // namespace duet::models
