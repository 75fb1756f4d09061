#pragma once

#include <string>
#include <vector>

#include <duet/models/networks/network.hpp>
#include <duet/ops/normalization.hpp>

namespace duet::models {

/// The variables and the call of one batch normalisation, for Network::add_batch_norm.
class BatchNorm {
 public:
    BatchNorm(const std::string& name, const BatchNormLayer& how, std::uint64_t seed, Where where = {});

    /// Throws ShapeError as batch_norm does, and Error if it is conditional and the call has no labels.
    Tensor operator()(const Tensor& x, const Call& call) const;

    std::vector<Variable> parameters() const { return {scale_, shift_}; }
    std::vector<Variable> statistics() const { return {running_mean_, running_variance_}; }

 private:
    void declare_statistics(Graph& graph, const BatchStatistics& found, const Call& call) const;
    /// x (batch, channels, ...) times each sample's scale, plus its shift, by its label.
    Tensor scaled_by_label(const Tensor& x, const Call& call) const;

    BatchNormLayer how_;
    Variable scale_, shift_, running_mean_, running_variance_;
};

}  // namespace duet::models
