// A training of one's own, without a recipe: a term is a function of what a phase may look at. Here the
// generator is also asked to keep the mean brightness of its images near that of the real ones.
#include <cstdio>
#include <memory>
#include <string>

#include <duet/duet.hpp>

using namespace duet;
using models::View;

int main(int argc, char** argv) {
    const std::string data = argc > 1 ? argv[1] : "data/mnist";
    const int steps = argc > 2 ? std::stoi(argv[2]) : 4000;

    models::Training training;
    training.networks = {models::mlp("generator", {100, 128, 128, 784}, relu, sigmoid, 0),
                         models::mlp("discriminator", {784, 128, 128, 1}, relu, linear, 0)};
    training.latent = 100;
    training.phases = {
        {.name = "discriminator",
         .trains = {"discriminator"},
         .terms = {{"real_or_fake",
                    [](View& view) {
                        return models::non_saturating(view.real_score(), view.fake_score()).discriminator;
                    }},
                   {"r1",
                    [](View& view) { return models::r1(view.tape(), view.real_score(), view.real(), 1.0); }}},
         .optimizer = std::make_shared<Adam>("discriminator_adam", AdamOptions{2e-4, 0.5})},
        {.name = "generator",
         .trains = {"generator"},
         .terms = {{"fooling",
                    [](View& view) { return models::non_saturating_generator(view.fake_score()); }},
                   {"brightness", [](View& view) { return square(mean(view.fake()) - mean(view.real())); },
                    /*weight=*/10.0}},
         .optimizer = std::make_shared<Adam>("generator_adam", AdamOptions{2e-4, 0.5})}};
    training.stages = {{{"discriminator"}}, {{"generator"}}};

    models::Trainer trainer(training, std::make_shared<Dataset>(load_images(data, Split::train)),
                            {.threads = 2});
    for (int step = 0; step < steps; ++step) {
        const models::Record record = trainer.step();
        if (step % 500 == 0)
            std::printf("step %5d  D %.3f  G %.3f  brightness %.5f\n", step, record["discriminator_loss"],
                        record["generator_loss"], record["brightness"]);
    }
}
