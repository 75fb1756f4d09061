#include <limits>

#include <duet/models/metrics/feature_network.hpp>
#include <duet/models/rows.hpp>
#include <duet/models/training/recipe.hpp>

namespace duet::models {

void add_metric_rows(Catalogue& catalogue) {
    constexpr std::int64_t largest_seed = std::numeric_limits<std::int64_t>::max(), largest_shift = 16,
                           most_epochs = 1'000'000, most_steps = 1'000'000'000'000;
    catalogue.add(
        {"feature-network",
         "",
         "what images are judged by",
         "",
         {{"schema",
           "the version of this layout",
           whole_number(recipe_schema, recipe_schema),
           {{recipe_schema}}},
          {"model", "\"features\"", one_of({"features"}), {{std::string("features")}}},
          {"seed",
           "decides initial weights, order of images and every random draw",
           whole_number(0, largest_seed),
           {{std::int64_t{0}}}},
          {"batch", "images in a batch", whole_number(1, Batches::max_batch_size), {{std::int64_t{64}}}},
          {"steps", "steps to train for", whole_number(1, most_steps), {{std::int64_t{4000}}}},
          {"epochs",
           "train until the images were shown this often, instead of steps",
           whole_number(1, most_epochs),
           {},
           true},
          {"shift",
           "pixels that an image is moved by at most, down and across",
           whole_number(0, largest_shift),
           {{std::int64_t{2}}}},
          {"dropout", "the share of features that a step leaves out", number_from(0, 1), {{0.5}}},
          {"data", "what is trained on", spec_of("data"), {}, true},
          {"images", "what the images are", spec_of("images")},
          {"network", "makes features of images", spec_of("network")},
          {"optimizer", "of the network", spec_of("optimizer")}}});
}

}  // namespace duet::models
