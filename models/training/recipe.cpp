#include <duet/models/training/recipe.hpp>

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xtensor/xarray.hpp>

#include <duet/autodiff/sgd.hpp>
#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/networks/build.hpp>
#include <duet/models/presets/presets.hpp>
#include <duet/models/training/fitting.hpp>
#include <duet/models/training/stage.hpp>
#include <duet/models/training/view.hpp>

namespace duet::models {

namespace {

void check_layer(const Spec& layer) {
    if (const Value* schema = layer.find("schema");
        schema != nullptr && schema->is != Value{recipe_schema}.is)
        throw Error(fmt::format("{} is {}; this Duet reads schema {}", place(*schema, "schema"),
                                value_for_message(*schema), recipe_schema));
    if (const Value* epochs = layer.find("epochs"); epochs != nullptr && layer.has("steps"))
        throw Error(fmt::format("{} stands beside steps: give one of them", place(*epochs, "epochs")));
}

Spec laid_over(Spec under, const Spec& over) {
    if (over.has("epochs")) under.erase("steps");
    if (over.has("steps")) under.erase("epochs");
    return merged(under, over);
}

/// The settings of `brought` whose groups have such a parameter once `chosen` decides their kinds; all of
/// them under a kind that there is not, which Catalogue::completed refuses.
Spec meaningful(const Catalogue& catalogue, const Spec& brought, const Spec& chosen,
                const std::string& category) {
    const std::vector<std::string> kinds = catalogue.kinds(category);
    if (std::find(kinds.begin(), kinds.end(), chosen.kind) == kinds.end()) return brought;
    const Row& row = catalogue.row(category, chosen.kind);
    Spec kept{brought.kind, {}, brought.from};
    for (const Setting& setting : brought.with) {
        const auto parameter = std::find_if(row.parameters.begin(), row.parameters.end(),
                                            [&](const Parameter& known) { return known.key == setting.key; });
        if (parameter == row.parameters.end()) continue;
        const Spec* inner = std::get_if<Spec>(&setting.value.is);
        const Value* below = chosen.find(setting.key);
        const Spec* group = below == nullptr ? nullptr : std::get_if<Spec>(&below->is);
        const bool recursive = inner != nullptr && inner->kind.empty() && group != nullptr;
        kept.with.push_back(recursive
                                ? Setting{setting.key,
                                          {meaningful(catalogue, *inner, *group, parameter->rule.category),
                                           setting.value.from}}
                                : setting);
    }
    return kept;
}

/// What the loss and the penalties of `explicitly` bring: a loss its penalties too, if none are given.
Spec brought_by(const Catalogue& catalogue, const Spec& explicitly) {
    const auto brings = [&](const char* category, const Spec& spec) {
        const std::vector<std::string> known = catalogue.kinds(category);
        return std::find(known.begin(), known.end(), spec.kind) == known.end()
                   ? std::string()
                   : catalogue.row(category, spec.kind).brings;
    };
    const Value* loss = explicitly.find("loss");
    const Value* penalties = explicitly.find("penalties");
    if (loss != nullptr && penalties == nullptr && std::holds_alternative<Spec>(loss->is))
        if (const std::string name = brings("loss", std::get<Spec>(loss->is)); !name.empty())
            return preset(name);
    const auto* list = penalties == nullptr ? nullptr : std::get_if<std::vector<Value>>(&penalties->is);
    for (const Value& each : list == nullptr ? std::vector<Value>() : *list) {
        if (!std::holds_alternative<Spec>(each.is)) continue;
        const std::string name = brings("penalty", std::get<Spec>(each.is));
        if (name.empty()) continue;
        Spec settings = preset(name);
        settings.erase("loss");
        return settings;
    }
    return {};
}

/// Has one network start from the values of another of the same layers, whenever they are first read.
void start_as(const Network& network, const Network& other) {
    const auto copy = [](const std::vector<Variable>& to, const std::vector<Variable>& from) {
        for (std::size_t i = 0; i < to.size(); ++i) to[i].start_as([of = from[i]] { return of.value(); });
    };
    copy(network.variables(), other.variables());
    copy(network.statistics(), other.statistics());
}

/// Declares a step: what the networks, losses and penalties of a recipe do not allow each other shows there.
/// It takes no memory: an optimizer without slots stands in for those of the recipe. `bounded_scores` says
/// whether the loss takes scores that a sigmoid or tanh has bounded. Returns how many batches
/// of images the step shows.
std::uint64_t check_declared(const Spec& recipe, Training training, bool bounded_scores) {
    for (Phase& phase : training.phases)
        phase.optimizer = std::make_shared<Sgd>(phase.name + "_declared", SgdOptions{});
    check_training(training);
    const Shape images = training.images.batch_of(training.batch);
    for (const char* name : {"generator", "discriminator"})
        about(recipe, fmt::format("networks.{}", name), [&] {
            if (training.network(name).variables().empty())
                throw Error("has no parameters, so that nothing is trained");
        });
    Graph graph(training.seed);
    View view(graph, training);
    about(recipe, "networks.generator", [&] {
        const Shape& drawn = view.fake().shape();
        if (drawn != images)
            throw Error(fmt::format("draws a batch of shape {}, but one of images has shape {}",
                                    to_string(drawn), to_string(images)));
    });
    about(recipe, "networks.discriminator", [&] {
        const Shape& scores = view.real_score().shape();
        const std::size_t packs = training.batch / training.packing;
        if (scores.rank() == 0 || scores[0] != packs || scores.elements() != packs)
            throw Error(fmt::format("gives scores of shape {} to {} {}; expected one each", to_string(scores),
                                    packs, training.packing == 1 ? "images" : "packs of images"));
        NodeId last = view.real_score().id();
        while (graph.node(last).op->name() == "reshape") last = graph.node(last).inputs.front();
        const std::string end = graph.node(last).op->name();
        if (!bounded_scores && (end == "sigmoid" || end == "tanh"))
            throw Error(
                fmt::format("ends in a {}, but the loss {} takes scores without bound: leave the {} out", end,
                            recipe.spec("loss").kind, end));
    });
    std::uint64_t batches = 0;
    about(recipe, "penalties", [&] {
        for (const Stage& stage : training.stages) {
            Graph declared(training.seed);
            if (stage.rule && recipe.has("epochs"))
                throw Error(
                    "the schedule decides on the way how many images a step shows: give steps in place "
                    "of epochs");
            if (declare_stage(declared, training, stage, scheduled_weights(training), {}).real.valid())
                batches += stage.repeats;
        }
    });
    return batches;
}

}  // namespace

std::vector<std::string> preset_names() {
    std::vector<std::string> names;
    for (const Preset& preset : presets()) names.emplace_back(preset.name);
    return names;
}

std::string_view preset_text(std::string_view name) {
    for (const Preset& preset : presets())
        if (preset.name == name) return preset.text;
    const std::string meant = nearest(name, preset_names());
    throw Error(fmt::format("preset {} is unknown; {}", quoted_for_message(name),
                            meant.empty() ? fmt::format("known are {}", fmt::join(preset_names(), ", "))
                                          : fmt::format("did you mean \"{}\"?", meant)));
}

Spec preset(std::string_view name) {
    const std::string origin = fmt::format("preset {}", name);
    return with_origin(parse_toml(preset_text(name), origin), origin);
}

std::pair<std::string, Value> assignment(const std::string& text, const std::string& origin) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
        throw Error(fmt::format("{}: {} is not PATH=VALUE, such as loss.kind=minimax", origin,
                                quoted_for_message(text)));
    return {text.substr(0, equals), parse_toml_value(text.substr(equals + 1), origin)};
}

Spec settings(const std::vector<std::string>& assignments) {
    Spec layer;
    for (const std::string& text : assignments) {
        const auto [path, value] = assignment(text, "code");
        layer.set(path, value);
    }
    return layer;
}

Spec layered(const Catalogue& catalogue, const std::vector<Spec>& layers) {
    const Value* model = nullptr;
    Spec explicitly;
    for (const Spec& layer : layers) {
        check_layer(layer);
        if (const Value* named = layer.find("model"); named != nullptr) {
            if (!std::holds_alternative<std::string>(named->is))
                throw Error(fmt::format("{} is {}; expected the name of a model", place(*named, "model"),
                                        type_name(*named)));
            if (model != nullptr && named->is != model->is)
                throw Error(fmt::format("{} is {}, but {} is {}: give one of them", place(*named, "model"),
                                        value_for_message(*named), place(*model, "model"),
                                        value_for_message(*model)));
            model = named;
        }
        explicitly = laid_over(explicitly, layer);
    }
    Spec recipe;
    try {
        const std::string name = model == nullptr ? default_model : std::get<std::string>(model->is);
        recipe = preset(name);
        if (recipe.text("model") != name)
            throw Error(fmt::format("\"{}\" is a preset of the model {}, and none of its own", name,
                                    recipe.text("model")));
    } catch (const Error& error) {
        throw Error(model == nullptr ? error.what()
                                     : fmt::format("{}: {}", place(*model, "model"), error.what()));
    }
    Spec brought = brought_by(catalogue, explicitly);
    brought.erase("model");
    const Spec chosen = laid_over(recipe, explicitly);
    recipe = laid_over(recipe, meaningful(catalogue, brought, chosen, "recipe"));
    return laid_over(recipe, explicitly);
}

Spec fitted(const Catalogue& catalogue, const Spec& recipe, const Dataset& data) {
    catalogue.completed(recipe, "recipe", "", true);
    Spec result = recipe;
    fit_size(result, data);
    fit_classes(result, data);
    fit_hash(result, data);
    fit_network(catalogue, result, "networks.generator", images_of(result));
    fit_network(catalogue, result, "networks.discriminator", packed_images_of(result));
    result = catalogue.completed(result, "recipe", "");
    about(result, "images.classes", [&] { check_labels(images_of(result), data); });
    const Training training = training_of(catalogue, result, model_of(catalogue, result));
    const LossTerms loss = catalogue.builder<LossBuilder>("loss", result.spec("loss"))(result.spec("loss"));
    fit_length(result, data, check_declared(result, training, loss.bounded_scores));
    return catalogue.completed(result, "recipe", "");
}

std::vector<std::string> cautions(const Spec& recipe, const Model& model) {
    std::vector<std::string> all;
    const Network& discriminator = model.discriminator();
    const std::vector<Spec> penalties = recipe.specs("penalties");
    for (std::size_t i = 0; i < penalties.size(); ++i) {
        const std::string penalty = fmt::format("penalties.{}: {}", i, penalties[i].kind);
        if (discriminator.mixes_samples())
            all.push_back(
                fmt::format("{} holds the gradient of each score at its own image, but the discriminator's "
                            "scores depend on "
                            "the other images of the batch: leave out its batch normalisation, as "
                            "networks.discriminator's "
                            "normalization = \"none\" or \"spectral\" does, and minibatch deviation",
                            penalty));
        if (discriminator.draws())
            all.push_back(
                fmt::format("{} is of a discriminator that drops values at random, so that it holds the "
                            "gradient of another function at every step: leave its dropout out",
                            penalty));
    }
    return all;
}

Spec model_layer(const Spec& recipe) {
    Spec layer = recipe;
    for (const char* key : {"data", "init", "steps", "epochs", "seed", "evaluate", "output"})
        layer.erase(key);
    return layer;
}

ImageFormat images_of(const Spec& recipe) {
    return {recipe.whole("images.height"),
            recipe.whole("images.width"),
            recipe.whole("images.channels"),
            recipe.text("images.range") == "unit" ? ValueRange::unit : ValueRange::symmetric,
            recipe.text("images.form") == "flat",
            recipe.whole("images.classes")};
}

ImageFormat packed_images_of(const Spec& recipe) {
    ImageFormat images = images_of(recipe);
    if (recipe.has("packing")) images.channels *= recipe.whole("packing");
    return images;
}

Model model_of(const Catalogue& catalogue, const Spec& recipe) {
    const ImageFormat images = images_of(recipe), packed = packed_images_of(recipe);
    Model model{images, 0, {}};
    for (const char* name : {"generator", "discriminator"}) {
        const std::string path = fmt::format("networks.{}", name);
        const Spec& spec = recipe.spec(path);
        model.networks.push_back(about(recipe, path, [&] {
            const std::size_t inputs = catalogue.builder<ArchitectureBuilder>("network", spec).inputs(spec);
            const ImageFormat& seen = name == std::string_view("discriminator") ? packed : images;
            if (name == std::string_view("discriminator") && inputs != 0 && inputs != packed.values())
                throw Error(
                    fmt::format("takes {} values, but {} {}", inputs,
                                images.values() == packed.values() ? "an image has" : "a pack of images has",
                                packed.values()));
            return build(catalogue, name, spec, seen, recipe.has("seed") ? recipe.whole("seed") : 0);
        }));
    }
    const Spec& generator = recipe.spec("networks.generator");
    if (recipe.number("average.decay") > 0) {
        model.networks.push_back(build(catalogue, averaged_generator, generator, images, 0));
        start_as(*model.average(), model.generator());
    }
    model.latent = catalogue.builder<ArchitectureBuilder>("network", generator).inputs(generator);
    return model;
}

}  // namespace duet::models
