#include <duet/models/terms/losses.hpp>

#include <array>

#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/shape_rules.hpp>

namespace duet::models {

namespace {

/// Throws ShapeError unless each score has its weight.
void check_weights(const char* loss, const Tensor& real_score, const Tensor& fake_score,
                   const SampleWeights& weights) {
    const auto check = [&](const char* what, const Tensor& score, const Tensor& weight) {
        if (weight.valid())
            in_words_of(loss, std::array{score, weight}, {},
                        [&] { expect_pairs(what, score.shape(), weight.shape()); });
    };
    check("scores of real samples and their weights", real_score, weights.real);
    check("scores of fake samples and their weights", fake_score, weights.fake);
}

Tensor weighted_mean(const Tensor& terms, const Tensor& weights) {
    return mean(weights.valid() ? weights * terms : terms);
}

Tensor discriminator_loss(const Tensor& real_score, const Tensor& fake_score, const SampleWeights& weights) {
    return weighted_mean(softplus(-real_score), weights.real) +
           weighted_mean(softplus(fake_score), weights.fake);
}

}  // namespace

Losses minimax(Operand real_score, Operand fake_score, const SampleWeights& weights) {
    const Tensor real = real_score.tensor(), fake = fake_score.tensor();
    const WhereScope caller(real.graph(), real_score.where());
    check_weights("minimax", real, fake, weights);
    return {minimax_generator(fake, weights.fake), discriminator_loss(real, fake, weights)};
}

Losses non_saturating(Operand real_score, Operand fake_score, const SampleWeights& weights) {
    const Tensor real = real_score.tensor(), fake = fake_score.tensor();
    const WhereScope caller(real.graph(), real_score.where());
    check_weights("non_saturating", real, fake, weights);
    return {non_saturating_generator(fake, weights.fake), discriminator_loss(real, fake, weights)};
}

Losses wasserstein(Operand real_score, Operand fake_score, const SampleWeights& weights) {
    const Tensor real = real_score.tensor(), fake = fake_score.tensor();
    const WhereScope caller(real.graph(), real_score.where());
    check_weights("wasserstein", real, fake, weights);
    return {wasserstein_generator(fake, weights.fake),
            weighted_mean(fake, weights.fake) - weighted_mean(real, weights.real)};
}

Losses relativistic_pairing(Operand real_score, Operand fake_score) {
    const Tensor real = real_score.tensor(), fake = fake_score.tensor();
    const WhereScope caller(real.graph(), real_score.where());
    in_words_of("relativistic_pairing", std::array{real, fake}, {},
                [&] { expect_pairs("scores of real and of fake samples", real.shape(), fake.shape()); });
    return {mean(softplus(real - fake)), mean(softplus(fake - real))};
}

Tensor minimax_generator(Operand fake_score, const Tensor& weights) {
    const Tensor fake = fake_score.tensor();
    const WhereScope caller(fake.graph(), fake_score.where());
    return -weighted_mean(softplus(fake), weights);
}

Tensor non_saturating_generator(Operand fake_score, const Tensor& weights) {
    const Tensor fake = fake_score.tensor();
    const WhereScope caller(fake.graph(), fake_score.where());
    return weighted_mean(softplus(-fake), weights);
}

Tensor wasserstein_generator(Operand fake_score, const Tensor& weights) {
    const Tensor fake = fake_score.tensor();
    const WhereScope caller(fake.graph(), fake_score.where());
    return -weighted_mean(fake, weights);
}

}  // namespace duet::models
