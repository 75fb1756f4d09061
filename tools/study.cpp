#include "study.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/training/recipe.hpp>

#include "json_file.hpp"
#include "provenance.hpp"

namespace duet::tools {

namespace fs = std::filesystem;

namespace {

const std::string& text_of(const Value& value) {
    return std::get<std::string>(value.is);
}

const std::vector<Value>& list_at(const Spec& spec, const char* key) {
    static const std::vector<Value> none;
    const Value* value = spec.find(key);
    return value == nullptr ? none : std::get<std::vector<Value>>(value->is);
}

/// Throws Error where two of a list have one name, or there are none.
template <class Named>
void check_names(const Spec& spec, const char* key, const std::vector<Named>& all) {
    const Value& list = *spec.find(key);
    if (all.empty()) throw Error(fmt::format("{}: {}: is empty; expected at least one", list.from, key));
    for (std::size_t i = 0; i < all.size(); ++i)
        for (std::size_t k = 0; k < i; ++k)
            if (all[i].name == all[k].name) {
                const Value& name = *spec.find(fmt::format("{}.{}.name", key, i));
                throw Error(fmt::format("{}: {}.{}.name: \"{}\" is the name of another: each needs its own",
                                        name.from, key, i, all[i].name));
            }
}

/// Seed, data set and folder are the study's to give.
void check_set(const Value& set, const std::string& at) {
    try {
        const std::string path = models::assignment(text_of(set), at).first;
        if (path == "seed" || path == "data" || path.starts_with("data."))
            throw Error(fmt::format("{}: the study sets {} itself", at, path));
    } catch (const Error& error) {
        throw Error(fmt::format("{}: {}", set.from, error.what()));
    }
}

std::vector<std::size_t> data_of(const Spec& recipe, const std::string& at,
                                 const std::vector<StudyData>& data) {
    std::vector<std::size_t> chosen;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < data.size(); ++i) {
        names.push_back(data[i].name);
        if (!recipe.has("data")) chosen.push_back(i);
    }
    for (const Value& name : list_at(recipe, "data")) {
        const auto found = std::find(names.begin(), names.end(), text_of(name));
        if (found == names.end())
            throw Error(fmt::format("{}: {}.data: {} is no data set of the study; there are {}", name.from,
                                    at, value_for_message(name), fmt::join(names, ", ")));
        const auto index = static_cast<std::size_t>(found - names.begin());
        if (std::find(chosen.begin(), chosen.end(), index) == chosen.end()) chosen.push_back(index);
    }
    return chosen;
}

StudyRecipe recipe_of(const Spec& spec, const std::string& at, std::size_t seeds,
                      const std::vector<StudyData>& data) {
    StudyRecipe recipe{spec.text("name"), {}, "", seeds, data_of(spec, at, data)};
    if (spec.has("seeds")) recipe.seeds = spec.whole("seeds");
    if (spec.has("recipe")) {
        const fs::path file = spec.text("recipe");
        recipe.sha256 = sha256_of_file(file);
        if (recipe.sha256.empty())
            throw Error(fmt::format("{}: {}.recipe: there is no file {}", spec.find("recipe")->from, at,
                                    file.string()));
        recipe.words.push_back(file.is_absolute() ? file.string() : (fs::path(".") / file).string());
    }
    if (spec.has("preset")) recipe.words.insert(recipe.words.end(), {"--preset=" + spec.text("preset")});
    for (const Value& set : list_at(spec, "set")) {
        check_set(set, at + ".set");
        recipe.words.insert(recipe.words.end(), {"--set=" + text_of(set)});
    }
    return recipe;
}

std::vector<StudyRun> runs_of(const Study& study) {
    std::vector<StudyRun> runs;
    std::size_t most_seeds = 0;
    for (const StudyRecipe& recipe : study.recipes) most_seeds = std::max(most_seeds, recipe.seeds);
    for (std::size_t seed = 0; seed < most_seeds; ++seed)
        for (std::size_t i = 0; i < study.recipes.size(); ++i) {
            const StudyRecipe& recipe = study.recipes[i];
            for (const std::size_t data : recipe.data)
                if (seed < recipe.seeds)
                    runs.push_back(
                        {i, data, seed, fmt::format("{}-{}-{}", recipe.name, study.data[data].name, seed)});
        }
    return runs;
}

void check_folders(const Study& study) {
    std::vector<std::string> names;
    for (const StudyRun& run : study.runs) names.push_back(run.name);
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice != names.end())
        throw Error(
            fmt::format("{}: the names of recipes and data sets give two runs the folder {}: choose "
                        "other names",
                        study.file.string(), *twice));
}

}  // namespace

Study read_study(const fs::path& file) {
    const Spec spec = models::standard_catalogue().completed(read_toml(file), "study", "");
    Study study{file, list_at(spec, "metrics"), spec.whole("count"), {}, {}, {}, {}};
    if (spec.has("feature_epochs")) study.feature_epochs = spec.whole("feature_epochs");
    for (const Spec& data : spec.specs("data")) study.data.push_back({data.text("name"), data.text("path")});
    check_names(spec, "data", study.data);
    const std::vector<Spec> recipes = spec.specs("recipes");
    for (std::size_t i = 0; i < recipes.size(); ++i)
        study.recipes.push_back(
            recipe_of(recipes[i], fmt::format("recipes.{}", i), spec.whole("seeds"), study.data));
    check_names(spec, "recipes", study.recipes);
    study.runs = runs_of(study);
    check_folders(study);
    return study;
}

std::vector<std::string> Study::training(const StudyRun& run) const {
    std::vector<std::string> words = recipes[run.recipe].words;
    words.insert(words.end(), {"--data=" + data[run.data].path, fmt::format("--seed={}", run.seed)});
    return words;
}

std::string Study::asked(const StudyRun& run) const {
    nlohmann::ordered_json json = {{"training", training(run)},
                                   {"recipe_sha256", recipes[run.recipe].sha256},
                                   {"count", count},
                                   {"feature_epochs", feature_epochs.value_or(0)}};
    return json_text(json);
}

fs::path Study::network(std::size_t data) const {
    const std::string epochs = feature_epochs ? fmt::format("-{}", *feature_epochs) : "";
    return fmt::format("features-{}{}.safetensors", this->data[data].name, epochs);
}

}  // namespace duet::tools
