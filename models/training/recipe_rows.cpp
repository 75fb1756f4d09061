#include <algorithm>
#include <limits>

#include <duet/data/duration.hpp>
#include <duet/models/rows.hpp>
#include <duet/models/training/recipe.hpp>

namespace duet::models {

namespace {

constexpr std::int64_t most_steps = 1'000'000'000'000, most_epochs = 1'000'000'000, largest_side = 4096,
                       largest_class_count = 1 << 16, largest_scale = 64, most_packed = 1024;

/// A number of classes, or "data": as many as its labels name.
Rule class_count() {
    Rule number = whole_number(0, largest_class_count);
    return {number.expected + ", or \"data\"", [accepts = number.accepts](const Value& value) {
                return accepts(value) || value.is == Value{std::string("data")}.is;
            }};
}

Rule channel_count() {
    return {"1 or 3", [](const Value& value) {
                return value.is == Value{std::int64_t{1}}.is || value.is == Value{std::int64_t{3}}.is;
            }};
}

/// A number of steps, or a time.
Rule interval() {
    return {"a whole number of steps from 1, or a time such as \"60s\", \"5m\" or \"1h30m\"",
            [](const Value& value) {
                if (const auto* steps = std::get_if<std::int64_t>(&value.is))
                    return *steps >= 1 && *steps <= most_steps;
                const auto* text = std::get_if<std::string>(&value.is);
                return text != nullptr && seconds_of(*text).has_value();
            }};
}

void add_groups(Catalogue& catalogue) {
    catalogue.add(
        {"data",
         "",
         "what is trained on",
         "",
         {{"path", "the folder", text_value(), {}, true},
          {"sha256", "of images and labels; images of another hash are refused", text_value(), {}, true}}});
    catalogue.add({"init",
                   "",
                   "weights to start from, and the draws and the place in the data to go on with",
                   "",
                   {{"path", "a weights file, .safetensors or .npz", text_value(), {}, true},
                    {"sha256", "of the file; another one is refused", text_value(), {}, true}}});
    const Rule side = whole_number(1, largest_side);
    catalogue.add(
        {"images",
         "",
         "what the images are, and how networks see them",
         "",
         {{"height", "pixels; the data's if not given", side},
          {"width", "pixels; the data's if not given", side},
          {"channels", "1 grey, 3 red-green-blue; the data's if not given", channel_count()},
          {"range", "of values: unit, 0 to 1, or symmetric, -1 to 1", one_of({"unit", "symmetric"})},
          {"form", "flat, (batch, values), or maps, (batch, channels, height, width)",
           one_of({"flat", "maps"})},
          {"classes",
           "that condition the networks, 0 for none; \"data\" for as many as it has",
           class_count(),
           {{std::int64_t{0}}}}}});
    catalogue.add({"networks",
                   "",
                   "the pair",
                   "",
                   {{"generator", "draws images", spec_of("network")},
                    {"discriminator", "scores images", spec_of("network")}}});
    catalogue.add({"optimizers",
                   "",
                   "one a network",
                   "",
                   {{"generator", "of the generator", spec_of("optimizer")},
                    {"discriminator", "of the discriminator", spec_of("optimizer")}}});
    catalogue.add({"average",
                   "",
                   "an exponential moving average of the generator's weights, which pictures, samples and "
                   "measurements are drawn with (Yazici et al. 2019)",
                   "",
                   {{"decay",
                     "how much of the average an update of the generator keeps; 0 for no average",
                     number_from(0, 1),
                     {{0.0}}},
                    {"warm_up",
                     "keep less at first: min(decay, (1 + step) / (10 + step)), as TensorFlow's average does",
                     true_or_false(),
                     {{true}}}}});
    catalogue.add({"output",
                   "",
                   "what a run leaves, which changes no result",
                   "",
                   {{"sample_every",
                     "steps between sample pictures; 0 for a tenth of all",
                     whole_number(0, most_steps),
                     {{std::int64_t{0}}}},
                    {"log_every",
                     "steps between rows of metrics.csv",
                     whole_number(1, most_steps),
                     {{std::int64_t{100}}}},
                    {"scale",
                     "each pixel of a sample picture is drawn so many times across and down; 0 for pictures "
                     "about 600 pixels wide",
                     whole_number(0, largest_scale),
                     {{std::int64_t{0}}}},
                    {"tensorboard",
                     "keep metrics and pictures for TensorBoard too, in events/",
                     true_or_false(),
                     {{false}}},
                    {"checkpoint_every",
                     "between checkpoints: a number of steps, or a time such as \"60s\", \"5m\" or \"1h\"",
                     interval(),
                     {{std::string("60s")}}},
                    {"keep_every",
                     "keep each checkpoint whose step is a multiple, beside the last two; 0 for none",
                     whole_number(0, most_steps),
                     {{std::int64_t{0}}}},
                    {"best",
                     "the metric whose lowest value decides which checkpoint is kept as the best",
                     text_value(),
                     {},
                     true}}});
}

/// Names of metrics, which are looked up when they are measured.
Rule metric_names() {
    constexpr std::size_t most = 16;
    return {"a list of 1 to 16 names of metrics", [](const Value& value) {
                const auto* list = std::get_if<std::vector<Value>>(&value.is);
                return list != nullptr && !list->empty() && list->size() <= most &&
                       std::all_of(list->begin(), list->end(), [](const Value& each) {
                           return std::holds_alternative<std::string>(each.is);
                       });
            }};
}

void add_evaluation(Catalogue& catalogue) {
    constexpr std::int64_t least_images = 40, most_images = 100'000;
    catalogue.add(
        {"evaluation",
         "",
         "what is measured of drawn images on the way, which changes no result",
         "",
         {{"every",
           "steps between measurements; 0 for none",
           whole_number(0, most_steps),
           {{std::int64_t{0}}}},
          {"metrics",
           "which, columns of metrics.csv, compared with one half of the images held back",
           metric_names(),
           {{std::vector<Value>{{std::string("fid")}}}}},
          {"count", "images drawn", whole_number(least_images, most_images), {{std::int64_t{2000}}}}}});
}

}  // namespace

void add_recipe_rows(Catalogue& catalogue) {
    add_groups(catalogue);
    add_evaluation(catalogue);
    const std::int64_t largest_seed = std::numeric_limits<std::int64_t>::max();
    catalogue.add(
        {"recipe",
         "",
         "a training",
         "",
         {{"schema",
           "the version of this layout",
           whole_number(recipe_schema, recipe_schema),
           {{recipe_schema}}},
          {"model", "the preset that networks and settings come from unless they are given", text_value()},
          {"seed",
           "decides initial weights, order of images and every random draw",
           whole_number(0, largest_seed),
           {{std::int64_t{0}}}},
          {"batch", "images in a batch", whole_number(1, Batches::max_batch_size), {{std::int64_t{128}}}},
          {"steps",
           "steps of the schedule to train for",
           whole_number(1, most_steps),
           {{std::int64_t{20'000}}}},
          {"epochs",
           "train until the images were shown this often, instead of steps",
           whole_number(1, most_epochs),
           {},
           true},
          {"data", "what is trained on", spec_of("data"), {}, true},
          {"init", "weights to start from", spec_of("init"), {}, true},
          {"images", "what the images are", spec_of("images")},
          {"networks", "the pair", spec_of("networks")},
          {"loss", "what both networks play for", spec_of("loss")},
          {"penalties", "what is added to the discriminator's loss, any number of them", specs_of("penalty"),
           list_of_specs(std::vector<Spec>{})},
          {"transforms", "what stands between images and their scores, real and fake alike, in this order",
           specs_of("transform"), list_of_specs(std::vector<Spec>{})},
          {"packing",
           "images that the discriminator judges together, side by side in their channels (Lin et al. 2018)",
           whole_number(1, most_packed),
           {{std::int64_t{1}}}},
          {"schedule", "in which order the networks are trained", spec_of("schedule")},
          {"optimizers", "one a network", spec_of("optimizers")},
          {"average", "of the generator's weights", spec_of("average"), {{Spec{}}}},
          {"evaluate", "what is measured on the way", spec_of("evaluation"), {{Spec{}}}},
          {"output", "what a run leaves", spec_of("output"), {{Spec{}}}}}});
}

}  // namespace duet::models
