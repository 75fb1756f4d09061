// A LeNet that reads digits, with the Trainer that trains GANs: one network, one phase, one term. It must
// read 97.5 % of the held-back ones.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include <duet/duet.hpp>

using namespace duet;
using models::layer;
using models::View;

int main(int argc, char** argv) {
    const std::string data = argc > 1 ? argv[1] : "data/mnist";
    const int steps = argc > 2 ? std::stoi(argv[2]) : 1400;
    constexpr std::size_t batch = 64;

    const models::Network classifier = models::build(
        models::standard_catalogue(), models::Network("classifier"),
        {layer("conv2d", {{"inputs", 1}, {"outputs", 8}, {"kernel", 5}, {"padding", 2}}), layer("relu"),
         layer("max-pool"), layer("conv2d", {{"inputs", 8}, {"outputs", 16}, {"kernel", 5}, {"padding", 2}}),
         layer("relu"), layer("max-pool"), layer("reshape", {}, {{"extents", list_of_numbers({784})}}),
         layer("dense", {{"inputs", 784}, {"outputs", 64}}), layer("relu"),
         layer("dense", {{"inputs", 64}, {"outputs", 10}})},
        /*seed=*/0);

    models::Training training;
    training.networks = {classifier};
    training.images.flat = false;
    training.batch = batch;
    training.phases = {{.name = "classifier",
                        .trains = {"classifier"},
                        .terms = {{"cross_entropy",
                                   [](View& view) {
                                       return softmax_cross_entropy(view.apply("classifier", view.real()),
                                                                    view.labels());
                                   }}},
                        .optimizer = std::make_shared<Adam>("adam", AdamOptions{2e-3}),
                        .rate = cosine_decay(2e-3, static_cast<std::uint64_t>(steps))}};
    training.stages = {{{"classifier"}}};
    models::Trainer trainer(training, std::make_shared<Dataset>(load_images(data, Split::train)),
                            {.threads = 2});
    for (int step = 0; step < steps; ++step)
        if (const models::Record record = trainer.step(); step % 200 == 0)
            std::printf("step %5d  cross entropy %.4f\n", step, record["classifier_loss"]);

    const auto held_back = std::make_shared<Dataset>(load_images(data, Split::test));
    const Batches batches(held_back, 100, 0, ValueRange::unit);
    Graph graph;
    const Tensor images = graph.input("images", {100, 1, 28, 28});
    auto program = compile<float>(graph, {classifier(images, models::Mode::inference)});
    Array pixels = filled(images.shape(), 0.0F), labels = filled(Shape{100}, 0.0F);
    std::size_t right = 0;
    for (std::uint64_t k = 0; k < held_back->count / 100; ++k) {
        batches.fill(k, pixels, labels);
        const Array& logits = program.run({{images, pixels}})[0];
        for (std::size_t i = 0; i < 100; ++i) {
            const float* row = logits.data() + 10 * i;
            right += std::max_element(row, row + 10) - row == static_cast<std::ptrdiff_t>(labels(i));
        }
    }
    const double percent =
        100.0 * static_cast<double>(right) / static_cast<double>(held_back->count / 100 * 100);
    std::printf("%.1f %% of %zu held-back digits\n", percent, held_back->count);
    return percent >= 97.5 ? 0 : 1;
}
