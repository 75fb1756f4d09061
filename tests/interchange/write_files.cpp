// Writes what check.py reads with other programs' libraries, beside what Duet makes of the same: the
// classifier of docs/examples, discriminators, a model for each row of the op cases, event files. usage:
// write_files OUT_DIR DATA_DIR WEIGHTS...
#include <cmath>
#include <cstdio>
#include <fstream>
#include <random>

#include <duet/duet.hpp>

#include "../autodiff/op_cases.hpp"

using namespace duet;

namespace {

namespace fs = std::filesystem;

void write_bytes(const fs::path& path, const Bytes& bytes) {
    write_file_atomically(path, std::as_bytes(std::span(bytes)));
}

Array drawn(const Shape& shape, double low, double high, std::mt19937_64& random) {
    Array values = filled(shape, 0.0F);
    for (std::size_t i = 0; i < values.size(); ++i)
        values.data()[i] = static_cast<float>(std::uniform_real_distribution<double>(low, high)(random));
    return values;
}

/// A model at <path>.onnx; its inputs and what Duet makes of them at <path>.<name>.npy.
void write_model(const fs::path& path, const std::vector<NamedTensor>& inputs, const std::vector<Array>& fed,
                 const NamedTensor& output, const OnnxOptions& options = {}) {
    const auto array_path = [&](const std::string& name) { return path.string() + "." + name + ".npy"; };
    write_bytes(path.string() + ".onnx", encode_onnx(inputs, std::vector{output}, options));
    std::vector<Feed> feeds;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        write_npy(array_path(inputs[i].name), fed[i]);
        feeds.push_back({inputs[i].tensor, fed[i]});
    }
    Program<float> program = compile<float>(output.tensor.graph(), {output.tensor});
    write_npy(array_path(output.name), program.run(feeds)[0]);
}

void write_classifier(const fs::path& path, const std::shared_ptr<const Dataset>& data) {
    using models::layer;
    constexpr std::size_t batch = 32;
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
                                   [](models::View& view) {
                                       return softmax_cross_entropy(view.apply("classifier", view.real()),
                                                                    view.labels());
                                   }}},
                        .optimizer = std::make_shared<Adam>("adam", AdamOptions{2e-3}),
                        .rate = constant_rate(2e-3)}};
    training.stages = {{{"classifier"}}};
    models::Trainer trainer(training, data, {.threads = 1});
    for (int step = 0; step < 50; ++step) trainer.step();

    Graph graph;
    const Tensor images = graph.input("images", {batch, 1, 28, 28});
    const Tensor logits = classifier(images, models::Mode::inference);
    Array pixels = filled(images.shape(), 0.0F), labels = filled(Shape{batch}, 0.0F);
    Batches(data, batch, 1, ValueRange::unit).fill(0, pixels, labels);
    write_model(path, {{"images", images}}, {pixels}, {"logits", logits}, {.batch = "batch"});
}

/// What a discriminator makes of its generator's images.
void write_discriminator(const fs::path& out, const fs::path& weights) {
    const Safetensors file = read_safetensors(weights);
    const Spec layer = *models::layer_in(file, weights);
    const models::Model model = models::model_in(models::standard_catalogue(), layer, file, weights);
    constexpr std::size_t count = 12;
    const Array images = models::Sampler(model, 3, Arena(1)).draw(count);
    const models::ImageFormat& format = model.images;
    Graph graph;
    const Tensor pictures = graph.input("images", shape_of(images));
    Tensor values = format.range == ValueRange::symmetric ? 2.0 * pictures - 1.0 : pictures;
    values = reshape(values, format.batch_of(count));
    std::vector<Feed> feeds{{pictures, images}};
    Array labels = filled(Shape{count}, 0.0F);
    Tensor classes;
    if (format.classes > 0) {
        for (std::size_t i = 0; i < count; ++i) labels(i) = static_cast<float>(i % format.classes);
        classes = graph.input("labels", {count});
        feeds.push_back({classes, labels});
    }
    const Tensor scores = model.discriminator()(values, models::Mode::inference, classes);
    Program<float> program = compile<float>(graph, {scores});
    const std::string stem = (out / weights.stem()).string() + ".discriminator";
    write_npy(stem + ".images.npy", images);
    if (classes.valid()) write_npy(stem + ".labels.npy", labels);
    write_npy(stem + ".scores.npy", program.run(feeds)[0]);
}

/// Each op case that has a mapping, at inputs as the gradient checks draw them; says of the others why not.
void write_op_cases(const fs::path& folder) {
    std::ofstream names(folder / "names.txt"), refused(folder / "refused.txt");
    std::size_t number = 0;
    for (const OpCase& row : op_cases()) {
        std::mt19937_64 random(number);
        Graph graph;
        std::vector<NamedTensor> inputs;
        std::vector<Tensor> tensors;
        std::vector<Array> fed;
        for (const Shape& shape : row.input_shapes) {
            const std::string name = "x" + std::to_string(inputs.size());
            tensors.push_back(graph.input(name, shape));
            inputs.push_back({name, tensors.back()});
            fed.push_back(drawn(shape, row.low, row.high, random));
        }
        const Tensor output = row.build(graph, tensors);
        try {
            write_model(folder / std::to_string(number), inputs, fed, {"y", output});
            names << number << ' ' << row.op_class << ", " << row.name << '\n';
        } catch (const Error& error) {
            refused << row.op_class << ", " << row.name << ": " << error.what() << '\n';
        }
        ++number;
    }
}

/// A training of 60 steps that wrote its events to step 50 but went on from step 40.
void write_events(const fs::path& folder) {
    const std::vector<std::string> names{"generator_loss", "discriminator_loss"};
    const auto train = [&](models::EventLog& log, std::uint64_t from, std::uint64_t to, double scale) {
        for (std::uint64_t step = from; step <= to; step += 10) {
            const std::vector<double> values{scale * static_cast<double>(step),
                                             1.0 / static_cast<double>(step)};
            log.see({step, names, values});
            Image picture{
                .width = 3, .height = 2, .channels = 3, .pixels = Bytes(18, static_cast<std::uint8_t>(step))};
            log.add_picture(step, picture);
        }
        log.flush();
    };
    {
        models::EventLog first(folder);
        train(first, 10, 50, 1);
    }
    models::EventLog second(folder, 40);
    train(second, 50, 60, -1);
}

int run(int argc, char** argv) {
    const fs::path out = argv[1];
    const auto data = std::make_shared<const Dataset>(load_images(argv[2], Split::train));
    write_classifier(out / "classifier", data);
    for (int i = 3; i < argc; ++i) write_discriminator(out, argv[i]);
    fs::create_directories(out / "ops");
    write_op_cases(out / "ops");
    write_events(out / "events");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fputs("usage: write_files OUT_DIR DATA_DIR WEIGHTS...\n", stderr);
        return 2;
    }
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "write_files: %s\n", error.what());
        return 1;
    }
}
