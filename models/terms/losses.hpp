#pragma once

#include <duet/graph/graph.hpp>

namespace duet::models {

/// What each network minimises, both scalars.
struct Losses {
    Tensor generator;
    Tensor discriminator;
};

/// Weights of the samples' terms, of the shape of the scores, (batch, 1), each mean then being of weight
/// times term: the losses throw ShapeError for another shape. An empty tensor weighs every sample one.
struct SampleWeights {
    Tensor real = {};
    Tensor fake = {};
};

/// The minimax game of Goodfellow et al. 2014, equation 1, on logits s (D = sigmoid(s)):
///   discriminator  mean softplus(-s_real) + mean softplus(s_fake)  = -mean log D(x) - mean log(1 - D(G(z)))
///   generator      -mean softplus(s_fake)                          =  mean log(1 - D(G(z)))
/// The generator's gradient with regard to a score is -sigmoid(s)/n: it vanishes where D rejects the fakes.
Losses minimax(Operand real_score, Operand fake_score, const SampleWeights& weights = {});

/// The same discriminator with the generator's loss of section 3 there:
///   generator      mean softplus(-s_fake)                          = -mean log D(G(z))
/// Its gradient with regard to a score is -sigmoid(-s)/n: it is largest where D rejects the fakes.
Losses non_saturating(Operand real_score, Operand fake_score, const SampleWeights& weights = {});

/// The critic's estimate of the Wasserstein distance, negated, and what the generator minimises of it
/// (Arjovsky et al. 2017, algorithm 1), on scores without bound:
///   discriminator  mean s_fake - mean s_real
///   generator      -mean s_fake
/// It needs a critic held to slopes of about one: by a gradient penalty (penalties.hpp).
Losses wasserstein(Operand real_score, Operand fake_score, const SampleWeights& weights = {});

/// The generator's side of each, which reads no score of a real image.
Tensor minimax_generator(Operand fake_score, const Tensor& weights = {});
Tensor non_saturating_generator(Operand fake_score, const Tensor& weights = {});
Tensor wasserstein_generator(Operand fake_score, const Tensor& weights = {});

/// Relativistic pairing (Jolicoeur-Martineau 2019; RpGAN in Huang et al. 2024, equation 2): each real score
/// is paired with the fake one of its place, and both networks play for which of the two is larger:
///   discriminator  mean softplus(s_fake - s_real)
///   generator      mean softplus(s_real - s_fake)
/// The generator's gradient depends on the real scores: it needs real ones. Throws ShapeError unless there
/// are as many of both.
Losses relativistic_pairing(Operand real_score, Operand fake_score);

/// A function of scores that gives both sides.
using LossFunction = Losses (*)(Operand, Operand, const SampleWeights&);

}  // namespace duet::models
