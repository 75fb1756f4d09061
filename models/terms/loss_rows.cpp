#include <duet/models/rows.hpp>
#include <duet/models/terms/losses.hpp>
#include <duet/models/training/view.hpp>

namespace duet::models {

namespace {

using Side = Tensor (*)(View&);

LossBuilder sides(Side discriminator, Side generator) {
    return [=](const Spec&) {
        return LossTerms{{"discriminator_adversarial", discriminator}, {"generator_adversarial", generator}};
    };
}

}  // namespace

void add_loss_rows(Catalogue& catalogue) {
    catalogue.add(
        {"loss",
         "non-saturating",
         "the generator maximises log D(G(z))",
         "Goodfellow et al. 2014, section 3",
         {},
         sides([](View& view) { return non_saturating(view.real_score(), view.fake_score()).discriminator; },
               [](View& view) { return non_saturating_generator(view.fake_score()); })});
    catalogue.add(
        {"loss",
         "minimax",
         "the generator minimises log(1 - D(G(z)))",
         "Goodfellow et al. 2014, equation 1",
         {},
         sides([](View& view) { return minimax(view.real_score(), view.fake_score()).discriminator; },
               [](View& view) { return minimax_generator(view.fake_score()); })});
    catalogue.add(
        {"loss",
         "wasserstein",
         "a critic's estimate of the Wasserstein distance",
         "Arjovsky et al. 2017, algorithm 1",
         {},
         sides([](View& view) { return wasserstein(view.real_score(), view.fake_score()).discriminator; },
               [](View& view) { return wasserstein_generator(view.fake_score()); }),
         "wgan-gp"});
    catalogue.add({"loss",
                   "relativistic-pairing",
                   "which of a real and a fake image scores higher",
                   "Jolicoeur-Martineau 2019; RpGAN in Huang et al. 2024",
                   {},
                   sides(
                       [](View& view) {
                           return relativistic_pairing(view.real_score(), view.fake_score()).discriminator;
                       },
                       [](View& view) {
                           return relativistic_pairing(view.real_score(), view.fake_score()).generator;
                       })});
}

}  // namespace duet::models
