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

/// The same under one-sided label smoothing (Salimans et al. 2016, section 3.4): the discriminator's term of
/// a real score is its cross-entropy against the label t in place of 1,
///   t softplus(-s_real) + (1 - t) softplus(s_real)
/// which is least at s = log(t / (1 - t)); those of fakes stay. With t = 1 it is the loss above, node for
/// node. Throws Error unless t is above 0 and at most 1.
Losses minimax(Operand real_score, Operand fake_score, const SampleWeights& weights, double real_label);

/// The same discriminator with the generator's loss of section 3 there:
///   generator      mean softplus(-s_fake)                          = -mean log D(G(z))
/// Its gradient with regard to a score is -sigmoid(-s)/n: it is largest where D rejects the fakes.
Losses non_saturating(Operand real_score, Operand fake_score, const SampleWeights& weights = {});
/// Under one-sided label smoothing, as minimax.
Losses non_saturating(Operand real_score, Operand fake_score, const SampleWeights& weights,
                      double real_label);

/// The critic's estimate of the Wasserstein distance, negated, and what the generator minimises of it
/// (Arjovsky et al. 2017, algorithm 1), on scores without bound:
///   discriminator  mean s_fake - mean s_real
///   generator      -mean s_fake
/// It needs a critic held to slopes of about one: by a gradient penalty (penalties.hpp).
Losses wasserstein(Operand real_score, Operand fake_score, const SampleWeights& weights = {});

/// What least squares draw scores to: those of real images, those of fakes, and where the generator wants the
/// latter (b, a and c in the paper).
struct LeastSquaresLabels {
    double real = 1.0;
    double fake = 0.0;
    double generator = 1.0;
};

/// Least squares (Mao et al. 2017, equation 2; with the labels 1, 0 and 1 equation 9), on scores without
/// bound:
///   discriminator  1/2 mean (s_real - b)^2 + 1/2 mean (s_fake - a)^2
///   generator      1/2 mean (s_fake - c)^2
/// Throws Error for a label that is not finite.
Losses least_squares(Operand real_score, Operand fake_score, const SampleWeights& weights = {},
                     const LeastSquaresLabels& labels = {});

/// The hinge loss (Lim and Ye 2017; Miyato et al. 2018, equations 16 and 17), on scores without bound:
///   discriminator  mean max(0, 1 - s_real) + mean max(0, 1 + s_fake)
///   generator      -mean s_fake
/// A score on its side of the margin, real above 1 or fake below -1, trains the discriminator no further. The
/// generator's side is wasserstein_generator.
Losses hinge(Operand real_score, Operand fake_score, const SampleWeights& weights = {});

/// The listing of the article that Duet follows, literally, with its D = sigmoid(s):
///   discriminator  mean sigmoid(s_real) + mean sigmoid(s_fake)
///   generator      -mean sigmoid(s_fake)
/// For study alone: both terms of the discriminator push its scores down, those of real images too.
Losses as_listed(Operand real_score, Operand fake_score, const SampleWeights& weights = {});

/// The generator's side of each, which reads no score of a real image.
Tensor minimax_generator(Operand fake_score, const Tensor& weights = {});
Tensor non_saturating_generator(Operand fake_score, const Tensor& weights = {});
Tensor wasserstein_generator(Operand fake_score, const Tensor& weights = {});
Tensor least_squares_generator(Operand fake_score, const Tensor& weights = {}, double label = 1.0);
Tensor as_listed_generator(Operand fake_score, const Tensor& weights = {});

/// Relativistic pairing (Jolicoeur-Martineau 2019; RpGAN in Huang et al. 2024, equation 2): each real score
/// is paired with the fake one of its place, and both networks play for which of the two is larger:
///   discriminator  mean softplus(s_fake - s_real)
///   generator      mean softplus(s_real - s_fake)
/// The generator's gradient depends on the real scores: it needs real ones. Throws ShapeError unless there
/// are as many of both.
Losses relativistic_pairing(Operand real_score, Operand fake_score);

/// The relativistic average (Jolicoeur-Martineau 2019, RaSGAN): each score is compared with the mean of the
/// other side's, R = mean s_real and F = mean s_fake:
///   discriminator  mean softplus(F - s_real) + mean softplus(s_fake - R)
///   generator      mean softplus(s_real - F) + mean softplus(R - s_fake)
/// The two halves are summed, as the paper writes them, and not averaged: where all scores are equal, a
/// difference of scores counts twice what it does under relativistic pairing. The generator needs real
/// scores. There may be more of one side than of the other.
Losses relativistic_average(Operand real_score, Operand fake_score);

/// A function of scores that gives both sides.
using LossFunction = Losses (*)(Operand, Operand, const SampleWeights&);

}  // namespace duet::models
