#include <duet/models/losses.hpp>

#include <array>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/reduce.hpp>

namespace duet::models {

namespace {

Tensor weighted_mean(const Tensor& terms, const Tensor& weights) {
    return mean(weights.valid() ? weights * terms : terms);
}

Tensor discriminator_loss(const Tensor& real_score, const Tensor& fake_score, const SampleWeights& weights) {
    return weighted_mean(softplus(-real_score), weights.real) +
           weighted_mean(softplus(fake_score), weights.fake);
}

}  // namespace

Losses minimax(Operand real_score, Operand fake_score, const SampleWeights& weights) {
    const WhereScope caller(real_score.tensor().graph(), real_score.where());
    const Tensor fake = fake_score.tensor();
    return {-weighted_mean(softplus(fake), weights.fake),
            discriminator_loss(real_score.tensor(), fake, weights)};
}

Losses non_saturating(Operand real_score, Operand fake_score, const SampleWeights& weights) {
    const WhereScope caller(real_score.tensor().graph(), real_score.where());
    const Tensor fake = fake_score.tensor();
    return {weighted_mean(softplus(-fake), weights.fake),
            discriminator_loss(real_score.tensor(), fake, weights)};
}

Losses wasserstein(Operand real_score, Operand fake_score, const SampleWeights& weights) {
    const WhereScope caller(real_score.tensor().graph(), real_score.where());
    const Tensor fake = weighted_mean(fake_score.tensor(), weights.fake);
    return {-fake, fake - weighted_mean(real_score.tensor(), weights.real)};
}

LossFunction loss_by_name(std::string_view name) {
    if (name == "minimax") return minimax;
    if (name == "non-saturating") return non_saturating;
    if (name == "wasserstein") return wasserstein;
    throw Error(fmt::format("loss \"{}\" is unknown; known are minimax, non-saturating, wasserstein", name));
}

}  // namespace duet::models
