#include <duet/models/rows.hpp>
#include <duet/models/terms/losses.hpp>
#include <duet/models/training/view.hpp>

namespace duet::models {

namespace {

using Side = std::function<Tensor(View&)>;

LossTerms terms(Side discriminator, Side generator) {
    return {{"discriminator_adversarial", std::move(discriminator)},
            {"generator_adversarial", std::move(generator)}};
}

LossBuilder sides(const Side& discriminator, const Side& generator) {
    return [=](const Spec&) { return terms(discriminator, generator); };
}

/// Of a loss whose generator sees real scores.
LossBuilder sides(Losses (*loss)(Operand, Operand)) {
    return sides([=](View& view) { return loss(view.real_score(), view.fake_score()).discriminator; },
                 [=](View& view) { return loss(view.real_score(), view.fake_score()).generator; });
}

/// Of a discriminator's cross-entropy, whose real label may be smoothed.
LossBuilder cross_entropy(Losses (*loss)(Operand, Operand, const SampleWeights&, double),
                          Tensor (*generator)(Operand, const Tensor&)) {
    return [=](const Spec& spec) {
        const double label = spec.number("real_label");
        return terms(
            [=](View& view) { return loss(view.real_score(), view.fake_score(), {}, label).discriminator; },
            [=](View& view) { return generator(view.fake_score(), {}); });
    };
}

Parameter real_label() {
    return {"real_label",
            "what the discriminator takes real images for; below 1 is one-sided label smoothing (Salimans et "
            "al. 2016)",
            share_above_zero(),
            {{1.0}}};
}

Parameter label(const char* key, const char* help, double otherwise) {
    return {key, help, any_number(), {{otherwise}}};
}

LossBuilder least_squares_sides() {
    return [](const Spec& spec) {
        const LeastSquaresLabels labels{spec.number("real_label"), spec.number("fake_label"),
                                        spec.number("generator_label")};
        LossTerms sides = terms(
            [=](View& view) {
                return least_squares(view.real_score(), view.fake_score(), {}, labels).discriminator;
            },
            [=](View& view) { return least_squares_generator(view.fake_score(), {}, labels.generator); });
        sides.bounded_scores = true;
        return sides;
    };
}

void add_relativistic(Catalogue& catalogue) {
    catalogue.add({"loss",
                   "relativistic-pairing",
                   "which of a real and a fake image scores higher",
                   "Jolicoeur-Martineau 2019; RpGAN in Huang et al. 2024",
                   {},
                   sides(relativistic_pairing)});
    catalogue.add({"loss",
                   "relativistic-average",
                   "whether an image scores higher than those of the other side on average",
                   "Jolicoeur-Martineau 2019, RaSGAN",
                   {},
                   sides(relativistic_average)});
}

}  // namespace

void add_loss_rows(Catalogue& catalogue) {
    catalogue.add({"loss",
                   "non-saturating",
                   "the generator maximises log D(G(z))",
                   "Goodfellow et al. 2014, section 3",
                   {real_label()},
                   cross_entropy(non_saturating, non_saturating_generator)});
    catalogue.add({"loss",
                   "minimax",
                   "the generator minimises log(1 - D(G(z)))",
                   "Goodfellow et al. 2014, equation 1",
                   {real_label()},
                   cross_entropy(minimax, minimax_generator)});
    catalogue.add(
        {"loss",
         "wasserstein",
         "a critic's estimate of the Wasserstein distance",
         "Arjovsky et al. 2017, algorithm 1",
         {},
         sides([](View& view) { return wasserstein(view.real_score(), view.fake_score()).discriminator; },
               [](View& view) { return wasserstein_generator(view.fake_score()); }),
         "wgan-gp"});
    add_relativistic(catalogue);
    catalogue.add({"loss",
                   "least-squares",
                   "scores are drawn to labels by their squared distance",
                   "Mao et al. 2017, equation 2",
                   {label("real_label", "of real images, to the discriminator", 1.0),
                    label("fake_label", "of fakes, to the discriminator", 0.0),
                    label("generator_label", "of fakes, to the generator", 1.0)},
                   least_squares_sides()});
    catalogue.add({"loss",
                   "hinge",
                   "scores within a margin of 1 train the discriminator, the others do not",
                   "Lim and Ye 2017; Miyato et al. 2018, equations 16 and 17",
                   {},
                   sides([](View& view) { return hinge(view.real_score(), view.fake_score()).discriminator; },
                         [](View& view) { return wasserstein_generator(view.fake_score()); })});
    catalogue.add(
        {"loss",
         "as-listed",
         "the article's listing literally, for study: mean D(x) + mean D(G(z)), and -mean D(G(z))",
         "the article",
         {},
         sides([](View& view) { return as_listed(view.real_score(), view.fake_score()).discriminator; },
               [](View& view) { return as_listed_generator(view.fake_score()); })});
}

}  // namespace duet::models
