// A variational autoencoder (Kingma and Welling 2014), 784-400-20, with the Trainer that trains GANs: one
// phase trains two networks for the sum of two terms, each one value a sample. In 30 epochs the negative
// bound must fall to 112 nats.
#include <cstdio>
#include <memory>
#include <string>

#include <duet/duet.hpp>

using namespace duet;
using models::View;

namespace {

constexpr std::size_t batch = 32, latent = 20;

/// Mean and logarithm of the variance of each latent number, (batch, 2 latent).
Tensor encoded(View& view) {
    return view.apply("encoder", view.real());
}

Tensor mean_of(View& view) {
    return slice(encoded(view), {0, 0}, {batch, latent});
}

Tensor log_variance_of(View& view) {
    return slice(encoded(view), {0, latent}, {batch, 2 * latent});
}

/// -log p(x | z) of pixels as probabilities, at a z drawn from the encoder's normal.
Tensor reconstruction(View& view) {
    const Tensor noise = random_normal(view.graph(), "epsilon", {batch, latent});
    const Tensor logits = view.apply("decoder", mean_of(view) + exp(0.5 * log_variance_of(view)) * noise);
    return sum(softplus(logits) - view.real() * logits, {1});
}

/// KL(q(z | x) || p(z)) of their normals.
Tensor divergence(View& view) {
    const Tensor mean = mean_of(view), log_variance = log_variance_of(view);
    return 0.5 * sum(square(mean) + exp(log_variance) - 1.0 - log_variance, {1});
}

}  // namespace

int main(int argc, char** argv) {
    const std::string data = argc > 1 ? argv[1] : "data/mnist";
    const std::uint64_t epochs = argc > 2 ? std::stoull(argv[2]) : 30;

    models::Training training;
    training.networks = {models::mlp("encoder", {784, 400, 2 * latent}, relu, linear, 0),
                         models::mlp("decoder", {latent, 400, 784}, relu, linear, 0)};
    training.batch = batch;
    training.phases = {{.name = "vae",
                        .trains = {"encoder", "decoder"},
                        .terms = {{"reconstruction", reconstruction}, {"divergence", divergence}},
                        .optimizer = std::make_shared<Adam>("adam", AdamOptions{1e-3})}};
    training.stages = {{{"vae"}}};

    models::Trainer trainer(training, std::make_shared<Dataset>(load_images(data, Split::train)),
                            {.threads = 2});
    const std::uint64_t steps_an_epoch = trainer.steps_for_epochs(1);
    double bound = 0;
    for (std::uint64_t epoch = 0; epoch < epochs; ++epoch) {
        bound = 0;
        double divergence_sum = 0;
        for (std::uint64_t step = 0; step < steps_an_epoch; ++step) {
            const models::Record record = trainer.step();
            bound += record["vae_loss"] / static_cast<double>(steps_an_epoch);
            divergence_sum += record["divergence"] / static_cast<double>(steps_an_epoch);
        }
        std::printf("epoch %2d  negative bound %.2f nats, of which divergence %.2f\n",
                    static_cast<int>(epoch) + 1, bound, divergence_sum);
    }
    return bound <= 112 ? 0 : 1;
}
