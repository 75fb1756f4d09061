#include <limits>

#include <duet/models/metrics/class_scores.hpp>
#include <duet/models/metrics/evidence.hpp>
#include <duet/models/metrics/feature_network.hpp>
#include <duet/models/metrics/frechet_distance.hpp>
#include <duet/models/metrics/kernel_distance.hpp>
#include <duet/models/metrics/sliced_wasserstein.hpp>
#include <duet/models/metrics/vendi_score.hpp>
#include <duet/models/rows.hpp>
#include <duet/models/training/recipe.hpp>

namespace duet::models {

namespace {

Row row(const char* kind, const char* help, const char* source, MetricBuilder builder) {
    return {"metric", kind, help, source, {}, std::move(builder)};
}

void add_metrics(Catalogue& catalogue) {
    using enum MetricBuilder::Better;
    const auto neighbours = [](Jackknife NeighbourScores::*score) {
        return [score](const Evidence& evidence) { return evidence.neighbours().*score; };
    };
    catalogue.add(row("fid", "Frechet distance of features, free of the bias of small samples",
                      "Heusel et al. 2017, equation 6",
                      {.better = lower, .measure = [](const Evidence& evidence) {
                           return frechet_distance(evidence.real(), evidence.fake(), evidence.threads());
                       }}));
    catalogue.add(row("kid", "squared maximum mean discrepancy of features, all pairs",
                      "Binkowski et al. 2018, section 4",
                      {.better = lower, .measure = [](const Evidence& evidence) {
                           return kernel_distance(evidence.real(), evidence.fake(), evidence.threads());
                       }}));
    catalogue.add(row("mind", "sliced Wasserstein distance of features, free of the bias of small samples",
                      "Berthet et al. 2026", {.better = lower, .measure = [](const Evidence& evidence) {
                                                  constexpr std::size_t directions = 1000;
                                                  return monge_distance(evidence.real(), evidence.fake(), 0,
                                                                        directions, evidence.threads());
                                              }}));
    catalogue.add(row("precision", "share of fakes among real samples",
                      "Kynkaanniemi et al. 2019, equation 2",
                      {.better = higher, .share = true, .measure = neighbours(&NeighbourScores::precision)}));
    catalogue.add(row("recall", "share of real samples among fakes", "Kynkaanniemi et al. 2019, equation 2",
                      {.better = higher, .share = true, .measure = neighbours(&NeighbourScores::recall)}));
    catalogue.add(row("density", "how densely real samples lie around fakes; 1 of real ones",
                      "Naeem et al. 2020, section 3",
                      {.better = higher, .measure = neighbours(&NeighbourScores::density)}));
    catalogue.add(row("coverage", "share of real samples with a fake nearby", "Naeem et al. 2020, section 3",
                      {.better = higher, .share = true, .measure = neighbours(&NeighbourScores::coverage)}));
    catalogue.add(row(
        "inception-score", "how certain and how varied the classes of fakes are",
        "Salimans et al. 2016, section 4",
        {.better = higher, .of_pairs = false, .needs_classes = true, .measure = [](const Evidence& evidence) {
             return inception_score(*evidence.fake_probabilities());
         }}));
    catalogue.add(row("vendi", "how many kinds of fakes there are, by the angles of features",
                      "Friedman and Dieng 2023, definition 3.1",
                      {.better = higher, .of_pairs = false, .measure = [](const Evidence& evidence) {
                           return vendi_score(evidence.fake(), evidence.threads());
                       }}));
}

void add_feature_recipe(Catalogue& catalogue) {
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

}  // namespace

void add_metric_rows(Catalogue& catalogue) {
    add_metrics(catalogue);
    add_feature_recipe(catalogue);
}

}  // namespace duet::models
