#include <duet/models/training/fitting.hpp>

#include <duet/data/sha256.hpp>
#include <duet/data/toml.hpp>
#include <duet/graph/pieces.hpp>
#include <duet/models/training/recipe.hpp>

namespace duet::models {

namespace {

std::string text_or(const Spec& spec, std::string_view path, const std::string& otherwise) {
    const Value* value = spec.find(path);
    const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(&value->is);
    return text == nullptr ? otherwise : *text;
}

}  // namespace

std::string place(const Value& value, std::string_view path) {
    return value.from.empty() ? std::string(path) : fmt::format("{}: {}", value.from, path);
}

TrainingLength length_of(const Spec& recipe) {
    return {recipe.whole("steps"), recipe.whole("batch")};
}

RateSchedule schedule_in(const Catalogue& catalogue, const Spec& group, const std::string& key, double from,
                         TrainingLength length) {
    const Spec& schedule = group.spec(key);
    return catalogue.builder<RateBuilder>("rate", schedule)(catalogue, schedule, from, length);
}

void give_optimizer(const Catalogue& catalogue, const Spec& spec, const std::string& name,
                    TrainingLength length, Phase& phase, std::vector<Scheduled>& scheduled) {
    phase.optimizer = catalogue.builder<OptimizerBuilder>("optimizer", spec)(name, spec);
    phase.rate = schedule_in(catalogue, spec, "schedule", spec.number("rate"), length);
    for (const Spec& constraint : spec.specs("constraints"))
        catalogue.builder<ConstraintBuilder>("constraint", constraint)(constraint, phase);
    for (const ScheduledOption& option : phase.optimizer->scheduled_options())
        scheduled.push_back({option.value, schedule_in(catalogue, spec, option.name + "_schedule",
                                                       spec.number(option.name), length)});
}

void fit_size(Spec& recipe, const Dataset& data) {
    const std::pair<const char*, std::size_t> sizes[] = {
        {"images.height", data.height}, {"images.width", data.width}, {"images.channels", data.channels}};
    for (const auto& [path, of_data] : sizes) {
        const Value wanted{static_cast<std::int64_t>(of_data), "data"};
        const Value* given = recipe.find(path);
        if (given == nullptr)
            recipe.set(path, wanted);
        else if (given->is != wanted.is)
            throw Error(fmt::format(
                "{} is {}, but the images are {}x{} with {} channel(s): choose a model for "
                "them, or other images",
                place(*given, path), value_for_message(*given), data.height, data.width, data.channels));
    }
}

void fit_classes(Spec& recipe, const Dataset& data) {
    const Value* classes = recipe.find("images.classes");
    if (classes == nullptr || classes->is != Value{std::string("data")}.is) return;
    const std::size_t count = data.classes();
    if (count == 0)
        throw Error(fmt::format("{}: the images have no labels, which the model needs",
                                place(*classes, "images.classes")));
    recipe.set("images.classes", {static_cast<std::int64_t>(count), "data"});
}

void fit_network(const Catalogue& catalogue, Spec& recipe, const std::string& path,
                 const ImageFormat& images) {
    const Value* given = recipe.find(path);
    const Spec* spec = given == nullptr ? nullptr : std::get_if<Spec>(&given->is);
    if (spec == nullptr || spec->kind.empty()) return;
    about(recipe, path, [&] {
        const auto& architecture = catalogue.builder<ArchitectureBuilder>("network", *spec);
        std::vector<Setting> fitting;
        for (const Parameter& parameter : catalogue.row("network", spec->kind).parameters)
            if (!parameter.otherwise && !spec->has(parameter.key) && fitting.empty())
                fitting = architecture.fitting(images);
        for (Setting& setting : fitting)
            if (!recipe.has(path + "." + setting.key)) {
                setting.value.from = "data";
                recipe.set(path + "." + setting.key, setting.value);
            }
    });
}

void fit_length(Spec& recipe, const Dataset& data, std::uint64_t batches_a_step) {
    if (!recipe.has("epochs")) return;
    const std::size_t epochs = recipe.whole("epochs");
    if (batches_a_step == 0)
        throw Error(fmt::format("{}: a step of this training shows no image",
                                place(*recipe.find("epochs"), "epochs")));
    const std::uint64_t batches = ceil_divide(epochs * data.count, recipe.whole("batch"));
    recipe.set("steps", {static_cast<std::int64_t>(ceil_divide(batches, batches_a_step)),
                         fmt::format("{} epochs, {}", epochs, recipe.find("epochs")->from)});
    recipe.erase("epochs");
}

void fit_hash(Spec& recipe, const Dataset& data) {
    const std::string found = sha256(data);
    const std::string wanted = text_or(recipe, "data.sha256", "");
    if (!wanted.empty() && wanted != found)
        throw Error(
            fmt::format("{}: the images in {} have another hash, {}: they are not those of the recipe",
                        place(*recipe.find("data.sha256"), "data.sha256"),
                        text_or(recipe, "data.path", "memory"), found));
    if (wanted.empty()) recipe.set("data.sha256", {found, "data"});
}

}  // namespace duet::models
