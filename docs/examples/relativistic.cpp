// Relativistic pairing with R1 and R2, two time scales, two optimizers, a rate that falls, and an average of
// the generator's weights that is drawn from: the ingredients of Huang et al. 2024 on the article's two
// networks.
#include <cstdio>
#include <memory>
#include <string>

#include <duet/duet.hpp>

using namespace duet;
using models::View;

namespace {

Tensor r2(View& view) {
    const Tensor fake = stop_gradient(view.fake());
    return models::r1(view.tape(), view.score(fake), fake, 1.0);
}

}  // namespace

int main(int argc, char** argv) {
    const std::string data = argc > 1 ? argv[1] : "data/mnist",
                      picture = argc > 2 ? argv[2] : "relativistic.png";
    const std::uint64_t steps = argc > 3 ? std::stoull(argv[3]) : 8000;

    const models::Network generator = models::mlp("generator", {100, 128, 128, 784}, relu, sigmoid, 0);
    const models::Network discriminator = models::mlp("discriminator", {784, 128, 128, 1}, relu, linear, 0);
    const models::MovingAverage average(generator.variables(), 0.999);

    models::Training training;
    training.networks = {generator, discriminator};
    training.latent = 100;
    training.phases = {
        {.name = "discriminator",
         .trains = {"discriminator"},
         .terms =
             {{"pairs",
               [](View& view) {
                   return models::relativistic_pairing(view.real_score(), view.fake_score()).discriminator;
               }},
              {"r1", [](View& view) { return models::r1(view.tape(), view.real_score(), view.real(), 1.0); },
               /*weight=*/1.0, cosine_decay(1.0, steps, 0.1)},
              {"r2", r2}},
         .optimizer = std::make_shared<RmsProp>("discriminator_rms_prop", RmsPropOptions{.rate = 2e-4}),
         .rate = cosine_decay(2e-4, steps, 2e-5)},
        {.name = "generator",
         .trains = {"generator"},
         .terms = {{"fooling",
                    [](View& view) {
                        return models::relativistic_pairing(view.real_score(), view.fake_score()).generator;
                    }}},
         .optimizer = std::make_shared<Adam>("generator_adam", AdamOptions{4e-4, 0.0, 0.99}),
         .updates = {average.rule()}}};
    training.stages = {{{"discriminator"}}, {{"generator"}}};

    models::Trainer trainer(training, std::make_shared<Dataset>(load_images(data, Split::train)),
                            {.threads = 2});
    for (std::uint64_t step = 0; step < steps; ++step) {
        const models::Record record = trainer.step();
        if (step % 1000 == 0)
            std::printf("step %5d  D %.3f  G %.3f  r1 %.4f  r2 %.4f\n", static_cast<int>(step),
                        record["discriminator_loss"], record["generator_loss"], record["r1"], record["r2"]);
    }

    for (std::size_t i = 0; i < average.averages().size(); ++i)
        generator.variables()[i].assign(average.averages()[i].value());
    Graph graph(1);
    auto draw = compile<float>(graph, {generator(random_normal(graph, "noise", {64, 100}))});
    write_png_grid(picture, draw.run({}, 0)[0], 28, 28, /*columns=*/8, /*padding=*/2);
}
