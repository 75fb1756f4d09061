#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/training/recipe.hpp>

namespace {

using duet::Spec;
using duet::Value;

void require(bool holds, const char* what, const std::string& about) {
    if (holds) return;
    std::fprintf(stderr, "%s: %s\n", what, about.c_str());
    std::abort();
}

duet::Dataset images(std::size_t height, std::size_t width, std::size_t channels, std::size_t classes) {
    constexpr std::size_t count = 8;
    duet::Dataset data{count, height, width, channels, {}, {}, {}};
    data.images.resize(count * data.image_size());
    for (std::size_t i = 0; i < data.images.size(); ++i)
        data.images[i] = static_cast<std::uint8_t>(i * 37 % 256);
    for (std::size_t i = 0; i < count && classes > 0; ++i)
        data.labels.push_back(static_cast<std::uint8_t>(i % classes));
    return data;
}

/// Presets begin with a comment: those of grey squares.
const duet::Dataset& images_for(char first) {
    static const duet::Dataset kinds[] = {images(8, 4, 1, 0), images(16, 16, 3, 3), images(8, 8, 1, 2)};
    return kinds[static_cast<unsigned char>(first) % 3];
}

bool stands(const Value& given, const Value* there, const std::string& path) {
    if (there == nullptr) return false;
    if (const Spec* group = std::get_if<Spec>(&given.is)) {
        const Spec* found = std::get_if<Spec>(&there->is);
        if (found == nullptr || (!group->kind.empty() && group->kind != found->kind)) return false;
        return std::all_of(group->with.begin(), group->with.end(), [&](const duet::Setting& setting) {
            return stands(setting.value, found->find(setting.key), path + "." + setting.key);
        });
    }
    if (const auto* list = std::get_if<std::vector<Value>>(&given.is)) {
        const auto* found = std::get_if<std::vector<Value>>(&there->is);
        return found != nullptr && found->size() == list->size() &&
               std::equal(list->begin(), list->end(), found->begin(),
                          [&](const Value& each, const Value& other) { return stands(each, &other, path); });
    }
    if (path == ".images.classes" && given.is == Value{std::string("data")}.is)
        return std::holds_alternative<std::int64_t>(there->is);
    return given == *there;
}

/// Whether the recipe means all that was given.
void check_in_effect(const Spec& given, const Spec& recipe) {
    for (const duet::Setting& setting : given.with) {
        const bool length = setting.key == "epochs";
        require(length ? recipe.has("steps") && !recipe.has("epochs")
                       : stands(setting.value, recipe.find(setting.key), "." + setting.key),
                "accepted, but not in effect", setting.key + " = " + duet::format_toml_value(setting.value));
    }
}

}  // namespace

/// libFuzzer's entry: a recipe is read and fitted to a few images, whose size its first byte chooses.
/// Error may refuse it; a recipe that is accepted means all that it says, and comes back when it is written.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const duet::models::Catalogue catalogue = duet::models::standard_catalogue();
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const duet::Dataset& dataset = images_for(text.front());
    Spec given, recipe;
    try {
        given = duet::parse_toml(text, "fuzz");
        recipe = fitted(catalogue, duet::models::layered(catalogue, {given}), dataset);
    } catch (const duet::Error& error) {
        require(std::string_view(error.what()).size() < 2000, "a message without end", error.what());
        return 0;
    }
    check_in_effect(given, recipe);
    const std::string written = duet::format_toml(recipe);
    try {
        const Spec read = duet::parse_toml(written, "written");
        require(read == recipe, "read back differs", written);
        require(fitted(catalogue, duet::models::layered(catalogue, {read}), dataset) == recipe,
                "fitted again differs", written);
        const Spec layer = duet::models::model_layer(recipe);
        const Spec of_weights =
            duet::models::layered(catalogue, {duet::parse_toml(duet::format_toml(layer), "weights")});
        require(duet::models::model_layer(catalogue.completed(of_weights, "recipe", "")) == layer,
                "a model's layer differs", written);
        training_of(catalogue, recipe, model_of(catalogue, recipe));
    } catch (const duet::Error& error) {
        require(false, error.what(), written);
    }
    return 0;
}
