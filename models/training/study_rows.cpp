#include <algorithm>

#include <fmt/format.h>

#include <duet/models/rows.hpp>
#include <duet/models/training/recipe.hpp>

namespace duet::models {

namespace {

bool is_name(const std::string& text) {
    const auto is_letter = [](char letter) {
        return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
               (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' || letter == '.';
    };
    constexpr std::size_t most = 64;
    return !text.empty() && text.size() <= most && text.front() != '.' && text.front() != '-' &&
           std::all_of(text.begin(), text.end(), is_letter);
}

/// It becomes part of a folder's name.
Rule name() {
    return {"a name of at most 64 letters, digits, - _ ., the first of them no - or .",
            [](const Value& value) {
                const auto* text = std::get_if<std::string>(&value.is);
                return text != nullptr && is_name(*text);
            }};
}

Rule texts(std::size_t least, const std::string& such) {
    constexpr std::size_t most = 100;
    return {fmt::format("a list of {} to {} texts, such as {}", least, most, such), [=](const Value& value) {
                const auto* list = std::get_if<std::vector<Value>>(&value.is);
                return list != nullptr && list->size() >= least && list->size() <= most &&
                       std::all_of(list->begin(), list->end(), text_value().accepts);
            }};
}

Value list_of_texts(std::initializer_list<const char*> items) {
    std::vector<Value> list;
    for (const char* each : items) list.push_back({std::string(each)});
    return {std::move(list)};
}

}  // namespace

void add_study_rows(Catalogue& catalogue) {
    constexpr std::int64_t most_seeds = 1000, least_images = 2 * jackknife_blocks, most_images = 100'000,
                           most_epochs = 1'000'000;
    catalogue.add(
        {"study",
         "",
         "which recipes are compared by `duet study`, on what, and how",
         "",
         {{"schema",
           "the version of this layout",
           whole_number(recipe_schema, recipe_schema),
           {{recipe_schema}}},
          {"seeds",
           "trainings of each recipe on each data set: seeds 0, 1 and so on",
           whole_number(1, most_seeds),
           {{std::int64_t{5}}}},
          {"metrics", "columns of the table, named as `duet evaluate --json` does",
           texts(1, "[\"fid\", \"kid\"]"), list_of_texts({"fid", "kid"})},
          {"count",
           "images drawn from each training to evaluate it",
           whole_number(least_images, most_images),
           {{std::int64_t{10'000}}}},
          {"feature_epochs",
           "epochs that the feature networks are trained for, where not as `duet features` does by itself",
           whole_number(1, most_epochs),
           {},
           true},
          {"data", "what is trained on", specs_of("study-data")},
          {"recipes", "what is compared", specs_of("study-recipe")}}});
    catalogue.add({"study-data",
                   "",
                   "a data set of a study",
                   "",
                   {{"name", "in the table, and in the names of runs", name()},
                    {"path", "folder of images, as --data of `duet train`", text_value()}}});
    catalogue.add(
        {"study-recipe",
         "",
         "a recipe of a study: preset, file and values are laid over each other, as by `duet train`",
         "",
         {{"name", "in the table, and in the names of runs", name()},
          {"preset", "a recipe that comes with Duet", text_value(), {}, true},
          {"recipe", "a recipe's file", text_value(), {}, true},
          {"set", "values of the recipe, as --set of `duet train`", texts(0, "[\"steps=20000\"]"), {}, true},
          {"seeds", "its own number of seeds", whole_number(1, most_seeds), {}, true},
          {"data",
           "names of the data sets that it is trained on, where not on all",
           texts(1, "[\"mnist\"]"),
           {},
           true}}});
}

}  // namespace duet::models
