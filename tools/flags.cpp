#include "flags.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>

#include "numbers.hpp"
#include "output.hpp"

namespace duet::tools {

namespace {

const std::vector<Flag>& flags() {
    static const std::vector<Flag> all = {
        {"--model", "model", "NAME", {"--arch", "--architecture", "--network"}},
        {"--data", "data.path", "DIR", {"--dataset", "--data-dir", "--dataroot", "--input"}},
        {"--steps", "steps", "N", {"--iterations", "--iters", "--num-steps"}},
        {"--epochs", "epochs", "E", {"--n-epochs", "--num-epochs"}},
        {"--batch", "batch", "B", {"--batch-size", "--bs"}},
        {"--seed", "seed", "S", {"--random-seed"}},
        {"--loss", "loss.kind", "NAME", {"--gan-mode", "--criterion"}},
        {"--schedule", "schedule.kind", "NAME", {}},
        {"--discriminator-steps",
         "schedule.discriminator_steps",
         "N",
         {"--n-critic", "--critic-steps", "--d-steps"}},
        {"--penalty", "penalties", "NAME", {"--regularizer", "--regularization"}},
        {"--penalty-weight", "penalties.0.weight", "W", {"--lambda", "--gamma", "--gp-weight", "--r1-gamma"}},
        {"--rate", "optimizers.*.rate", "X", {"--lr", "--learning-rate"}},
        {"--beta1", "optimizers.*.beta1", "X", {"--b1"}},
        {"--beta2", "optimizers.*.beta2", "X", {"--b2"}},
        {"--epsilon", "optimizers.*.epsilon", "X", {"--eps"}},
        {"--generator-widths", "networks.generator.widths", "A-B-...", {"--ngf"}},
        {"--discriminator-widths", "networks.discriminator.widths", "A-B-...", {"--ndf"}},
        {"--classes", "images.classes", "N", {"--n-classes", "--num-classes"}},
        {"--init", "init.path", "FILE", {"--weights", "--pretrained", "--load"}},
        {"--checkpoint-every",
         "output.checkpoint_every",
         "N|TIME",
         {"--save-interval", "--save-every", "--snapshot-interval"}},
        {"--keep-every", "output.keep_every", "N", {}},
        {"--sample-every", "output.sample_every", "N", {"--sample-interval"}},
        {"--log-every", "output.log_every", "N", {"--log-interval"}},
        {"--scale", "output.scale", "N", {}}};
    return all;
}

/// "100-128-784" as a list; anything else stays a text, which no list accepts.
Value widths(const std::string& text, const std::string& from) {
    std::vector<Value> list;
    const char* at = text.data();
    const char* const end = at + text.size();
    for (;;) {
        std::int64_t number = 0;
        const auto [next, error] = std::from_chars(at, end, number);
        if (error != std::errc() || (next != end && *next != '-')) return {text, from};
        list.push_back({number, from});
        if (next == end) return {std::move(list), from};
        at = next + 1;
    }
}

Value value_of(const Flag& flag, const std::string& text) {
    const std::string& from = flag.name;
    if (flag.type == "A-B-...") return widths(text, from);
    if (flag.path == "penalties")
        return text == "none" ? Value{std::vector<Value>{}, from}
                              : Value{std::vector<Value>{{Spec{text, {}, from}, from}}, from};
    if (flag.type == "NAME" || flag.type == "DIR" || flag.type == "FILE") return {text, from};
    return parse_toml_value(text, from);
}

std::vector<std::string> paths_of(const Flag& flag) {
    const std::size_t star = flag.path.find('*');
    if (star == std::string::npos) return {flag.path};
    std::vector<std::string> paths;
    for (const char* network : {"generator", "discriminator"})
        paths.push_back(std::string(flag.path).replace(star, 1, network));
    return paths;
}

/// Whether a path counts its way through a list: it can only be set once the list is there.
bool counts(const std::string& path) {
    const std::size_t digit = path.find_first_of("0123456789");
    return digit != std::string::npos && digit > 0 && path[digit - 1] == '.';
}

/// Sets one value; a group is laid over the one that is there.
void put(Spec& recipe, const std::string& path, Value value) {
    const Value* there = recipe.find(path);
    if (there != nullptr && std::holds_alternative<Spec>(there->is) && std::holds_alternative<Spec>(value.is))
        value.is = merged(std::get<Spec>(there->is), std::get<Spec>(value.is));
    recipe.set(path, std::move(value));
}

/// Whether what was given is there: of a group, each of its values.
bool stands(const Value& given, const Value* there) {
    if (there == nullptr) return false;
    if (const Spec* group = std::get_if<Spec>(&given.is)) {
        const Spec* found = std::get_if<Spec>(&there->is);
        return found != nullptr && (group->kind.empty() || group->kind == found->kind) &&
               std::all_of(group->with.begin(), group->with.end(), [&](const Setting& setting) {
                   return stands(setting.value, found->find(setting.key));
               });
    }
    if (const auto* list = std::get_if<std::vector<Value>>(&given.is)) {
        const auto* found = std::get_if<std::vector<Value>>(&there->is);
        return found != nullptr && found->size() == list->size() &&
               std::equal(list->begin(), list->end(), found->begin(),
                          [](const Value& each, const Value& other) { return stands(each, &other); });
    }
    return given == *there;
}

bool stands(const Spec& recipe, const std::string& path, const Value& value) {
    constexpr std::string_view kind = ".kind";
    if (!path.ends_with(kind)) return stands(value, recipe.find(path));
    const Spec named{std::get<std::string>(value.is), {}, {}};
    return stands(Value{named}, recipe.find(std::string_view(path).substr(0, path.size() - kind.size())));
}

/// The presets that are models: one of another model is none of its own.
const std::vector<std::string>& model_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> models = models::preset_names();
        std::erase_if(models,
                      [](const std::string& name) { return models::preset(name).text("model") != name; });
        return models;
    }();
    return names;
}

/// What a flag may name.
std::vector<std::string> names_for(const Flag& flag, const models::Catalogue& catalogue) {
    if (flag.path == "model") return model_names();
    std::vector<std::string> names = catalogue.kinds_at(flag.path);
    if (flag.path == "penalties") names.emplace_back("none");
    return names;
}

std::string group_of(const Flag& flag) {
    if (flag.name == "--model" || flag.name == "--init") return "What is trained";
    if (flag.path.starts_with("output.")) return "What it leaves";
    const bool of_the_whole = flag.path.find('.') == std::string::npos && flag.path != "penalties";
    return of_the_whole || flag.path.starts_with("data.") ? "Data and length" : "How it is trained";
}

}  // namespace

void RecipeOptions::add_to(Command& command) {
    command.option("recipe", recipe_, "A recipe: what is written in it counts unless flags say otherwise")
        .takes("RECIPE.toml", any_text())
        .group("What is trained");
    command
        .option("--preset", preset_,
                fmt::format("A recipe that comes with Duet: {}", fmt::join(models::preset_names(), ", ")))
        .takes("NAME", any_text(models::preset_names()))
        .group("What is trained");
    command
        .option("--set", sets_,
                "Sets anything in the recipe, such as optimizers.generator.rate=1e-4; may be repeated")
        .takes("PATH=VALUE")
        .repeated()
        .group("What is trained");
    command
        .flag(
            "--tensorboard", [this] { sets_.emplace_back("output.tensorboard=true"); },
            "Keep metrics and pictures for TensorBoard too, in events/")
        .group("What it leaves");
    for (const Flag& flag : flags()) {
        Given& given = flags_.emplace_back(Given{&flag});
        given.option = command.option(flag.name, given.text, "");
        given.option->takes(flag.type, any_text()).group(group_of(flag)).last_counts();
    }
}

std::vector<std::pair<std::string, Value>> RecipeOptions::assignments() const {
    std::vector<std::pair<std::string, Value>> all;
    for (const Given& given : flags_) {
        if (given.option->count() == 0) continue;
        const Value value = value_of(*given.flag, given.text);
        for (const std::string& path : paths_of(*given.flag)) all.emplace_back(path, value);
    }
    for (const std::string& set : sets_) all.push_back(models::assignment(set, "--set"));
    return all;
}

std::optional<std::string> RecipeOptions::model() const {
    for (const auto& [path, value] : assignments())
        if (path == "model" && std::holds_alternative<std::string>(value.is))
            return std::get<std::string>(value.is);
    return std::nullopt;
}

Spec RecipeOptions::layered(const models::Catalogue& catalogue, const std::optional<Spec>& file) const {
    std::vector<Spec> layers;
    if (!preset_.empty()) layers.push_back(models::preset(preset_));
    if (file) layers.push_back(*file);
    if (!recipe_.empty()) layers.push_back(read_toml(recipe_));
    Spec given;
    for (const auto& [path, value] : assignments())
        if (!counts(path)) try {
                put(given, path, value);
            } catch (const Error& error) {
                throw Error(fmt::format("{}: {}", value.from, error.what()));
            }
    layers.push_back(given);
    Spec recipe = models::layered(catalogue, layers);
    for (const auto& [path, value] : assignments())
        if (counts(path)) try {
                put(recipe, path, value);
            } catch (const Error& error) {
                throw Error(fmt::format("{}: {}", value.from, error.what()));
            }
    catalogue.completed(recipe, "recipe", "", true);
    return recipe;
}

void RecipeOptions::describe(const models::Catalogue& catalogue) {
    const Spec recipe = catalogue.completed(layered(catalogue), "recipe", "", true);
    for (Given& given : flags_) {
        std::string path = paths_of(*given.flag).front(), shown;
        given.option->describe(catalogue.help_at(path), names_for(*given.flag, catalogue));
        const bool kind = path.ends_with(".kind");
        if (kind) path.resize(path.size() - std::string_view(".kind").size());
        const Value* value = recipe.find(path);
        if (value == nullptr) continue;
        if (kind)
            shown = std::get<Spec>(value->is).kind;
        else if (given.flag->path == "penalties")
            for (const Value& each : std::get<std::vector<Value>>(value->is))
                shown += (shown.empty() ? "" : ", ") + std::get<Spec>(each.is).kind;
        else
            shown = format_toml_value(*value);
        given.option->with_default(shown.empty() ? "none" : shown);
    }
}

void RecipeOptions::note_repeats(const Spec& recipe) const {
    for (const Given& given : flags_)
        if (given.option->count() > 1)
            write_without_signal(STDERR_FILENO,
                                 fmt::format("duet: note: {} is given {} times; the last one counts\n",
                                             given.flag->name, given.option->count()));
    for (const auto& [path, value] : assignments())
        if (!stands(recipe, path, value))
            write_without_signal(
                STDERR_FILENO, fmt::format("duet: note: what {} gives for {} does not stand: a later option "
                                           "changes it\n",
                                           value.from, path));
}

std::string flag_meant(const std::string& name, const std::vector<std::string>& known) {
    const auto is_known = [&](const std::string& each) {
        return std::find(known.begin(), known.end(), each) != known.end();
    };
    std::string dashed = name;
    std::replace(dashed.begin(), dashed.end(), '_', '-');
    for (const Flag& flag : flags())
        if (is_known(flag.name) &&
            std::find(flag.elsewhere.begin(), flag.elsewhere.end(), dashed) != flag.elsewhere.end())
            return flag.name;
    return nearest(dashed, known);
}

}  // namespace duet::tools
