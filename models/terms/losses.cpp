#include <duet/models/terms/losses.hpp>

#include <array>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/parameter_rules.hpp>
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

void check_real_label(const char* loss, double label, Where where) {
    if (!(label > 0 && label <= 1))
        throw Error(fmt::format("{}: {}: the label of real samples is {}; it must be above 0 and at most 1",
                                to_string(where), loss, label));
}

/// The cross-entropies of real scores against their label.
Tensor real_terms(const Tensor& score, double label) {
    if (label == 1) return softplus(-score);
    return label * softplus(-score) + (1 - label) * softplus(score);
}

Tensor discriminator_loss(const Tensor& real_score, const Tensor& fake_score, const SampleWeights& weights,
                          double real_label) {
    return weighted_mean(real_terms(real_score, real_label), weights.real) +
           weighted_mean(softplus(fake_score), weights.fake);
}

}  // namespace

Losses minimax(Operand real_score, Operand fake_score, const SampleWeights& weights) {
    return minimax(real_score, fake_score, weights, 1.0);
}

Losses minimax(Operand real_score, Operand fake_score, const SampleWeights& weights, double real_label) {
    const Tensor real = real_score.tensor(), fake = fake_score.tensor();
    const WhereScope caller(real.graph(), real_score.where());
    check_weights("minimax", real, fake, weights);
    check_real_label("minimax", real_label, caller.where());
    return {minimax_generator(fake, weights.fake), discriminator_loss(real, fake, weights, real_label)};
}

Losses non_saturating(Operand real_score, Operand fake_score, const SampleWeights& weights) {
    return non_saturating(real_score, fake_score, weights, 1.0);
}

Losses non_saturating(Operand real_score, Operand fake_score, const SampleWeights& weights,
                      double real_label) {
    const Tensor real = real_score.tensor(), fake = fake_score.tensor();
    const WhereScope caller(real.graph(), real_score.where());
    check_weights("non_saturating", real, fake, weights);
    check_real_label("non_saturating", real_label, caller.where());
    return {non_saturating_generator(fake, weights.fake),
            discriminator_loss(real, fake, weights, real_label)};
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

Losses relativistic_average(Operand real_score, Operand fake_score) {
    const Tensor real = real_score.tensor(), fake = fake_score.tensor();
    const WhereScope caller(real.graph(), real_score.where());
    const Tensor over_fakes = real - mean(fake), over_reals = fake - mean(real);
    return {mean(softplus(over_fakes)) + mean(softplus(-over_reals)),
            mean(softplus(-over_fakes)) + mean(softplus(over_reals))};
}

Losses least_squares(Operand real_score, Operand fake_score, const SampleWeights& weights,
                     const LeastSquaresLabels& labels) {
    const Tensor real = real_score.tensor(), fake = fake_score.tensor();
    const WhereScope caller(real.graph(), real_score.where());
    check_weights("least_squares", real, fake, weights);
    expect_finite("least_squares", "label of real samples", labels.real, caller.where());
    expect_finite("least_squares", "label of fake samples", labels.fake, caller.where());
    return {least_squares_generator(fake, weights.fake, labels.generator),
            0.5 * weighted_mean(square(real - labels.real), weights.real) +
                0.5 * weighted_mean(square(fake - labels.fake), weights.fake)};
}

Losses hinge(Operand real_score, Operand fake_score, const SampleWeights& weights) {
    const Tensor real = real_score.tensor(), fake = fake_score.tensor();
    const WhereScope caller(real.graph(), real_score.where());
    check_weights("hinge", real, fake, weights);
    return {wasserstein_generator(fake, weights.fake),
            weighted_mean(relu(1.0 - real), weights.real) + weighted_mean(relu(1.0 + fake), weights.fake)};
}

Losses as_listed(Operand real_score, Operand fake_score, const SampleWeights& weights) {
    const Tensor real = real_score.tensor(), fake = fake_score.tensor();
    const WhereScope caller(real.graph(), real_score.where());
    check_weights("as_listed", real, fake, weights);
    return {as_listed_generator(fake, weights.fake),
            weighted_mean(sigmoid(real), weights.real) + weighted_mean(sigmoid(fake), weights.fake)};
}

Tensor minimax_generator(Operand fake_score, const Tensor& weights) {
    const Tensor fake = fake_score.tensor();
    const WhereScope caller(fake.graph(), fake_score.where());
    check_weights("minimax_generator", fake, fake, {{}, weights});
    return -weighted_mean(softplus(fake), weights);
}

Tensor non_saturating_generator(Operand fake_score, const Tensor& weights) {
    const Tensor fake = fake_score.tensor();
    const WhereScope caller(fake.graph(), fake_score.where());
    check_weights("non_saturating_generator", fake, fake, {{}, weights});
    return weighted_mean(softplus(-fake), weights);
}

Tensor wasserstein_generator(Operand fake_score, const Tensor& weights) {
    const Tensor fake = fake_score.tensor();
    const WhereScope caller(fake.graph(), fake_score.where());
    check_weights("wasserstein_generator", fake, fake, {{}, weights});
    return -weighted_mean(fake, weights);
}

Tensor least_squares_generator(Operand fake_score, const Tensor& weights, double label) {
    const Tensor fake = fake_score.tensor();
    const WhereScope caller(fake.graph(), fake_score.where());
    check_weights("least_squares_generator", fake, fake, {{}, weights});
    expect_finite("least_squares", "label of the generator", label, caller.where());
    return 0.5 * weighted_mean(square(fake - label), weights);
}

Tensor as_listed_generator(Operand fake_score, const Tensor& weights) {
    const Tensor fake = fake_score.tensor();
    const WhereScope caller(fake.graph(), fake_score.where());
    check_weights("as_listed_generator", fake, fake, {{}, weights});
    return -weighted_mean(sigmoid(fake), weights);
}

}  // namespace duet::models
