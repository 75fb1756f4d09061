#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/autodiff/adam.hpp>
#include <duet/autodiff/gradient_tape.hpp>
#include <duet/data/batches.hpp>
#include <duet/graph/error.hpp>
#include <duet/graph/runtime/program.hpp>
#include <duet/models/networks/network.hpp>
#include <duet/models/sampler.hpp>
#include <duet/models/weights.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/classification.hpp>
#include <duet/ops/reduce.hpp>

#include "numbers.hpp"
#include "weights_file.hpp"

namespace duet::tools {

namespace {

constexpr std::size_t classes = 10;
constexpr std::size_t batch = 100;
constexpr double least_accuracy = 0.94;
constexpr std::size_t samples = 1000;
constexpr float sure = 0.9f;
constexpr std::size_t least_of_a_class = samples / 50;

/// A 784-128-10 softmax classifier of digits.
class Classifier {
 public:
    Classifier(std::uint64_t seed, const Arena& arena)
        : seed_(seed),
          arena_(arena),
          network_(models::mlp("classifier", {784, 128, classes}, relu, linear, seed)),
          graph_(std::make_unique<Graph>(seed)),
          images_(graph_->input("images", {batch, 784})),
          probabilities_(compile<float>(*graph_, {softmax(network_(images_))}, {}, arena)) {}

    void train(const std::shared_ptr<const Dataset>& digits, std::size_t steps) {
        Graph graph(seed_);
        const Tensor images = graph.input("images", {batch, 784});
        const Tensor labels = graph.input("labels", {batch});
        const GradientTape tape(graph);
        const Tensor loss = mean(softmax_cross_entropy(network_(images), labels));
        Adam adam("adam");
        auto program =
            compile<float>(graph, {loss}, {adam.apply(tape.gradient(loss, network_.variables()))}, arena_);
        const Batches batches(digits, batch, seed_, ValueRange::unit);
        Array image_batch = filled(Shape{batch, 784}, 0.0f), label_batch = filled(Shape{batch}, 0.0f);
        for (std::size_t step = 0; step < steps; ++step) {
            batches.fill(step, image_batch, label_batch);
            program.run({{images, image_batch}, {labels, label_batch}}, step);
        }
    }

    /// The probabilities (count, classes) of images (count, 784), count a multiple of the batch.
    std::vector<std::array<float, classes>> classify(const float* images, std::size_t count) {
        std::vector<std::array<float, classes>> result(count);
        Array image_batch = filled(Shape{batch, 784}, 0.0f);
        for (std::size_t first = 0; first < count; first += batch) {
            std::copy_n(images + first * 784, batch * 784, image_batch.data());
            const Array& drawn = probabilities_.run({{images_, image_batch}}).front();
            for (std::size_t i = 0; i < batch; ++i)
                std::copy_n(drawn.data() + i * classes, classes, result[first + i].begin());
        }
        return result;
    }

 private:
    std::uint64_t seed_;
    Arena arena_;
    models::Network network_;
    std::unique_ptr<Graph> graph_;
    Tensor images_;
    Program<float> probabilities_;
};

std::size_t likeliest(const std::array<float, classes>& probabilities) {
    return static_cast<std::size_t>(std::max_element(probabilities.begin(), probabilities.end()) -
                                    probabilities.begin());
}

double accuracy(Classifier& classifier, const Dataset& digits) {
    const std::size_t count = digits.count / batch * batch;
    std::vector<float> images(count * digits.image_size());
    for (std::size_t i = 0; i < images.size(); ++i) images[i] = static_cast<float>(digits.images[i]) / 255.0f;
    const auto probabilities = classifier.classify(images.data(), count);
    std::size_t right = 0;
    for (std::size_t i = 0; i < count; ++i) right += likeliest(probabilities[i]) == digits.labels[i];
    return static_cast<double>(right) / static_cast<double>(count);
}

/// Prints how many of a model's samples are surely of each class; true if there are enough of all.
bool check_model(Classifier& classifier, const std::string& weights, std::uint64_t seed) {
    const WeightsFile file = read_weights(weights, models::default_model);
    const models::Model model =
        models::model_in(models::standard_catalogue(), file.layer, file.contents, file.path);
    if (model.images.height != 28 || model.images.width != 28 || model.images.channels != 1)
        throw Error(
            fmt::format("{}: draws images of {}x{} with {} channel(s), the classifier takes 28x28 "
                        "with one",
                        weights, model.images.height, model.images.width, model.images.channels));
    const Array images = models::Sampler(model, seed).draw(samples);
    std::array<std::size_t, classes> counts{};
    for (const auto& probabilities : classifier.classify(images.data(), samples)) {
        const std::size_t digit = likeliest(probabilities);
        counts[digit] += probabilities[digit] >= sure;
    }
    const bool passes = *std::min_element(counts.begin(), counts.end()) >= least_of_a_class;
    fmt::print("{}\n  {:>5}", weights, "digit");
    for (std::size_t digit = 0; digit < classes; ++digit) fmt::print(" {:>4}", digit);
    fmt::print("\n  {:>5}", "count");
    for (const std::size_t count : counts) fmt::print(" {:>4}", count);
    fmt::print("\n  {}: of {} samples at least {} must be of each digit with a probability of {}\n",
               passes ? "passes" : "fails", samples, least_of_a_class, sure);
    return passes;
}

struct CheckArguments {
    std::string data;
    std::vector<std::string> weights;
    std::size_t steps = 2700;
    std::uint64_t seed = 0;
    std::size_t threads = 1;
};

/// True if the classifier and all models pass.
bool check(const CheckArguments& arguments) {
    const auto digits = std::make_shared<const Dataset>(load_idx_folder(arguments.data, Split::train));
    const Dataset held_back = load_idx_folder(arguments.data, Split::test);
    for (const Dataset* part : {digits.get(), &held_back})
        if (part->image_size() != 784 || !part->has_labels() || part->count < batch ||
            *std::max_element(part->labels.begin(), part->labels.end()) >= classes)
            throw Error(fmt::format(
                "{}: at least {} labelled digits of 28x28 are needed to train on and to test with",
                arguments.data, batch));
    Classifier classifier(arguments.seed, Arena(arguments.threads));
    classifier.train(digits, arguments.steps);
    const double reached = accuracy(classifier, held_back);
    bool passes = reached >= least_accuracy;
    fmt::print("classifier: {:.1f} % of {} held back digits, at least {:.0f} % needed: {}\n", 100 * reached,
               held_back.count, 100 * least_accuracy, passes ? "passes" : "fails");
    for (const std::string& weights : arguments.weights)
        passes = check_model(classifier, weights, arguments.seed) && passes;
    return passes;
}

int run(int argc, char** argv) {
    CLI::App app(
        "Trains a classifier of digits and counts with it what trained generators draw: each digit must be "
        "among 1,000 "
        "samples often enough.",
        "check-digits");
    CheckArguments arguments;
    app.add_option("--data", arguments.data, "Folder of labelled digits as IDX files")
        ->required()
        ->type_name("DIR");
    app.add_option("--weights", arguments.weights, "Weights to check")->type_name("FILE...");
    app.add_option("--steps", arguments.steps, "Steps to train the classifier for")
        ->transform(whole_number(1, 1'000'000))
        ->type_name("N")
        ->capture_default_str();
    app.add_option("--seed", arguments.seed, "Decides the classifier and the samples")
        ->transform(whole_number(0, std::numeric_limits<std::uint64_t>::max()))
        ->type_name("S")
        ->capture_default_str();
    add_threads_option(app, arguments.threads);
    app.footer("Exit codes: 0 all pass, 1 something fails, 2 bad usage or input.");
    try {
        app.parse(argc, argv);
        return check(arguments) ? 0 : 1;
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        fmt::print(stderr, "check-digits: error: {}\n", error.what());
    } catch (const std::exception& error) {
        fmt::print(stderr, "check-digits: error: {}\n", error.what());
    }
    return 2;
}

}  // namespace

}  // namespace duet::tools

int main(int argc, char** argv) {
    return duet::tools::run(argc, argv);
}
