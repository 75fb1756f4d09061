#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <duet/data/load_images.hpp>
#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/training/recipe.hpp>

#include "command.hpp"
#include "commands.hpp"
#include "feature_cache.hpp"
#include "numbers.hpp"
#include "output.hpp"
#include "output_path.hpp"
#include "weights_file.hpp"

namespace duet::tools {

namespace {

struct FeaturesArguments {
    std::string recipe, data, weights, out;
    std::vector<std::string> sets;
    std::size_t threads = 1;
};

Spec recipe_of(const FeaturesArguments& arguments) {
    Spec recipe = shipped_recipe();
    if (!arguments.recipe.empty()) recipe = merged(recipe, read_toml(arguments.recipe));
    if (!arguments.data.empty()) recipe.set("data.path", {arguments.data, "--data"});
    for (const std::string& text : arguments.sets) {
        const auto [path, value] = models::assignment(text, "--set");
        recipe.set(path, value);
        if (path == "steps") recipe.erase("epochs");
    }
    if (!recipe.has("data.path")) throw Error("--data: a folder of images with labels is needed");
    return recipe;
}

/// A network that another program trained.
KeptNetwork given_network(const models::Catalogue& catalogue, const Spec& recipe,
                          const std::filesystem::path& weights) {
    models::FeatureNetwork network = models::feature_network_of(catalogue, recipe);
    models::load_feature_network(network, read_arrays(weights), weights);
    return {std::move(network), weights, false};
}

void make_features(const FeaturesArguments& arguments) {
    const models::Catalogue catalogue = models::standard_catalogue();
    if (!arguments.out.empty())
        check_output_file("--out", arguments.out);
    else if (!arguments.weights.empty())
        throw Error("--weights: are written with their recipe to a file for `duet evaluate`: give --out");
    Spec recipe = recipe_of(arguments);
    const std::filesystem::path folder = recipe.text("data.path");
    const auto data = std::make_shared<const Dataset>(load_images(folder, Split::train));
    recipe = models::fitted_feature_recipe(catalogue, recipe, *data);
    const KeptNetwork kept = arguments.weights.empty()
                                 ? kept_network(catalogue, recipe, data, arguments.threads)
                                 : given_network(catalogue, recipe, arguments.weights);
    const std::string hash = kept.network.sha256();
    fmt::print("network     {} features of an image @ {}\n", kept.network.width, hash);
    if (arguments.weights.empty())
        fmt::print("trained     on {} images of {}{}\n", data->count, folder.string(),
                   kept.trained ? "" : ", before now");
    if (holds_test_images(folder) && kept.network.images.classes > 0) {
        const Dataset held_back = load_images(folder, Split::test);
        const models::ImageFeatures features =
            models::features_of(kept.network, held_back, Arena(arguments.threads));
        fmt::print("accuracy    {:.2f} % of {} held-back images\n",
                   100 * models::accuracy_of(features, held_back), held_back.count);
    }
    fmt::print("kept in     {}\n", kept.path.string());
    if (arguments.out.empty()) return;
    const Bytes bytes = models::encode_feature_network(kept.network);
    write_file_atomically(arguments.out, std::as_bytes(std::span(bytes)));
}

}  // namespace

void add_features_command(CLI::App& app) {
    Command command(app, "features",
                    "Train the network that images are judged by, and keep it for `duet evaluate`.");
    auto arguments = std::make_shared<FeaturesArguments>();
    command
        .option("recipe", arguments->recipe,
                "A recipe in TOML, laid over the one that comes with Duet: `duet list feature-network`")
        .takes("FILE.toml", any_text());
    command.option("--data", arguments->data, "Folder of images with labels, which it learns to tell apart")
        .takes("DIR", any_text());
    command.option("--set", arguments->sets, "Set one value of the recipe, such as epochs=10")
        .takes("PATH=VALUE")
        .repeated();
    command
        .option("--weights", arguments->weights,
                "Instead of training, take the weights of another program's network, safetensors or .npz, "
                "with the names that the recipe gives them: features.0.weight and so on, and "
                "classifier.0.weight unless images.classes is 0")
        .takes("FILE", any_text());
    command.option("--out", arguments->out, "Also write it to a file, for `duet evaluate --network`")
        .takes("FILE.safetensors", any_text());
    add_threads_option(command, arguments->threads);
    command.footer(
        "The same images and recipe give the same network, and so the same hash, with which\n"
        "every score is quoted.");
    command.runs([arguments] { make_features(*arguments); });
}

}  // namespace duet::tools
