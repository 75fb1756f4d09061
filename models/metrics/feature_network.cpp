#include <duet/models/metrics/feature_network.hpp>

#include <algorithm>
#include <functional>
#include <numeric>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/data/sha256.hpp>
#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>
#include <duet/graph/runtime/program.hpp>
#include <duet/models/metrics/class_scores.hpp>
#include <duet/models/networks/build.hpp>
#include <duet/models/presets/presets.hpp>
#include <duet/models/terms/augmentation.hpp>
#include <duet/models/training/fitting.hpp>
#include <duet/models/training/recipe.hpp>
#include <duet/models/training/view.hpp>
#include <duet/ops/classification.hpp>
#include <duet/ops/dropout.hpp>

namespace duet::models {

namespace {

constexpr std::size_t images_a_run = 64;

std::vector<ArrayView> views_of(const std::vector<Variable>& variables) {
    std::vector<ArrayView> views;
    views.reserve(variables.size());
    for (const Variable& variable : variables) views.push_back({variable.name(), &variable.value()});
    return views;
}

std::shared_ptr<const Samples> samples_of(const std::vector<float>& values, std::size_t count,
                                          std::size_t width) {
    auto samples = std::make_shared<Samples>(Samples::from_shape({count, width}));
    std::copy(values.begin(), values.end(), samples->data());
    return samples;
}

std::size_t width_of(const Network& features, const ImageFormat& images) {
    Graph graph;
    const Shape shape = features(graph.input("images", images.batch_of(1)), Mode::inference).shape();
    if (shape.rank() != 2)
        throw Error(fmt::format("makes {} of an image; expected (1, features)", to_string(shape)));
    return shape[1];
}

}  // namespace

std::vector<Variable> FeatureNetwork::variables() const {
    std::vector<Variable> all;
    for (const Network* network : {&features, &classifier})
        for (const auto* some : {&network->variables(), &network->statistics()})
            all.insert(all.end(), some->begin(), some->end());
    return all;
}

std::string FeatureNetwork::sha256() const {
    return duet::sha256(views_of(variables()));
}

Spec fitted_feature_recipe(const Catalogue& catalogue, const Spec& recipe, const Dataset& data) {
    catalogue.completed(recipe, "feature-network", "", true);
    Spec result = recipe;
    fit_size(result, data);
    fit_classes(result, data);
    fit_hash(result, data);
    fit_network(catalogue, result, "network", images_of(result));
    fit_length(result, data, 1);
    return catalogue.completed(result, "feature-network", "");
}

FeatureNetwork feature_network_of(const Catalogue& catalogue, const Spec& recipe) {
    FeatureNetwork made{recipe, images_of(recipe)};
    const std::size_t seed = recipe.whole("seed");
    about(recipe, "network", [&] {
        made.features = build(catalogue, "features", recipe.spec("network"), made.images, seed);
        made.width = width_of(made.features, made.images);
    });
    if (made.images.classes > 0) made.classifier.add_dense(made.width, made.images.classes, {}, seed);
    return made;
}

Training feature_training_of(const Catalogue& catalogue, const FeatureNetwork& network) {
    const Spec &recipe = network.recipe, &optimizer = recipe.spec("optimizer");
    if (network.images.classes == 0)
        throw Error("images.classes is 0: features are trained to tell classes, and there are none");
    Phase phase{"classifier", {"features", "classifier"}, {}};
    phase.terms = {
        {"cross_entropy", [shift = recipe.whole("shift"), dropped = recipe.number("dropout")](View& view) {
             const Tensor moved = view.training().images.flat
                                      ? view.real()
                                      : random_translation(view.real(), "translation", shift);
             const Tensor features = dropout(view.apply("features", moved), "dropout", dropped);
             return softmax_cross_entropy(view.apply("classifier", features), view.labels());
         }}};
    Training training;
    about(recipe, "optimizer", [&] {
        give_optimizer(catalogue, optimizer, "optimizer", length_of(recipe), phase, training.scheduled);
    });
    training.networks = {network.features, network.classifier};
    training.images = network.images;
    training.phases = {std::move(phase)};
    training.stages = {{{"classifier"}}};
    training.batch = recipe.whole("batch");
    training.seed = recipe.whole("seed");
    return training;
}

Bytes encode_feature_network(const FeatureNetwork& network) {
    Spec recipe = network.recipe;
    recipe.erase("data.path");
    return encode_safetensors<float>(views_of(network.variables()),
                                     {{"recipe", format_toml(with_origin(recipe, ""))}});
}

void load_feature_network(const FeatureNetwork& network, const Safetensors& file,
                          const std::filesystem::path& path) {
    for (const Variable& variable : network.variables()) {
        const Array* array = file.find(variable.name());
        if (array == nullptr || shape_of(*array) != variable.shape())
            throw FileError(fmt::format("{}: has no array \"{}\" of shape {}", path.string(), variable.name(),
                                        to_string(variable.shape())));
    }
    for (const Variable& variable : network.variables()) variable.assign(*file.find(variable.name()));
}

FeatureNetwork read_feature_network(const Catalogue& catalogue, const std::filesystem::path& path) {
    const Safetensors file = read_safetensors(path);
    const auto text = file.metadata.find("recipe");
    if (text == file.metadata.end())
        throw FileError(
            fmt::format("{}: says nothing of its network: `duet features` makes such files", path.string()));
    try {
        FeatureNetwork network = feature_network_of(
            catalogue, catalogue.completed(parse_toml(text->second, path.string()), "feature-network", ""));
        load_feature_network(network, file, path);
        return network;
    } catch (const FileError&) {
        throw;
    } catch (const Error& error) {
        throw FileError(fmt::format("{}: {}", path.string(), error.what()));
    }
}

ImageFeatures features_of(const FeatureNetwork& network, const Dataset& data, const Arena& arena,
                          const std::function<void(std::size_t)>& progress) {
    const ImageFormat& format = network.images;
    if (data.height != format.height || data.width != format.width || data.channels != format.channels)
        throw Error(fmt::format(
            "the images are {}x{} with {} channel(s), but the feature network takes {}x{} with {}",
            data.height, data.width, data.channels, format.height, format.width, format.channels));
    Graph graph;
    const Tensor images = graph.input("images", format.batch_of(images_a_run));
    std::vector<Tensor> fetches{network.features(images, Mode::inference)};
    if (format.classes > 0) fetches.push_back(softmax(network.classifier(fetches[0], Mode::inference)));
    auto program = compile<float>(graph, fetches, {}, arena);
    Array batch = filled(images.shape(), 0.0F);
    ImageFeatures made{data.count, network.width, format.classes, {}, {}};
    made.features.reserve(made.count * made.width);
    made.probabilities.reserve(made.count * made.classes);
    for (std::size_t first = 0; first < data.count; first += images_a_run) {
        const std::size_t taken = std::min(images_a_run, data.count - first);
        for (std::size_t i = 0; i < taken; ++i)
            write_image(data, first + i, format.range, batch.data() + i * data.image_size());
        const auto& values = program.run({{images, batch}});
        made.features.insert(made.features.end(), values[0].data(), values[0].data() + taken * made.width);
        if (made.classes > 0)
            made.probabilities.insert(made.probabilities.end(), values[1].data(),
                                      values[1].data() + taken * made.classes);
        if (progress) progress(first + taken);
    }
    return made;
}

std::shared_ptr<const Samples> feature_samples(const ImageFeatures& made) {
    return samples_of(made.features, made.count, made.width);
}

std::shared_ptr<const Samples> probability_samples(const ImageFeatures& made) {
    return made.classes == 0 ? nullptr : samples_of(made.probabilities, made.count, made.classes);
}

std::shared_ptr<const Samples> pixel_samples(const Dataset& data) {
    std::vector<float> values(data.count * data.image_size());
    for (std::size_t i = 0; i < data.count; ++i)
        write_image(data, i, ValueRange::unit, values.data() + i * data.image_size());
    return samples_of(values, data.count, data.image_size());
}

double accuracy_of(const ImageFeatures& made, const Dataset& data) {
    if (!data.has_labels() || made.classes == 0)
        throw Error("the images have no labels: their classes cannot be told right or wrong");
    const std::vector<std::size_t> classes = predicted_classes(*probability_samples(made));
    const auto right = std::inner_product(classes.begin(), classes.end(), data.labels.begin(), std::size_t{0},
                                          std::plus(), std::equal_to<std::size_t>());
    return static_cast<double>(right) / static_cast<double>(data.count);
}

}  // namespace duet::models
