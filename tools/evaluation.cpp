#include "evaluation.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/models/metrics/anchors.hpp>
#include <duet/models/metrics/class_scores.hpp>
#include <duet/models/metrics/distances.hpp>
#include <duet/models/metrics/feature_likelihood.hpp>
#include <duet/models/metrics/memorisation.hpp>

#include "feature_cache.hpp"

namespace duet::tools {

namespace {

using models::Evidence;
using models::Jackknife;
using models::MetricBuilder;
using models::Row;

models::Estimate clamped(models::Estimate estimate) {
    return {estimate.value, std::max(estimate.low, 0.0), std::min(estimate.high, 1.0)};
}

Score scored(std::string name, std::string group, std::size_t n, const Jackknife& jackknife,
             std::optional<MetricBuilder::Better> better, bool share = false) {
    return {std::move(name), std::move(group), n, jackknife.estimate().value, jackknife, better, share};
}

Score counted(std::string name, std::string group, std::size_t n, double value) {
    return {std::move(name), std::move(group), n, value};
}

bool same_image(const Dataset& a, std::size_t i, const Dataset& b, std::size_t j) {
    const auto* const first = a.images.data() + i * a.image_size();
    return std::equal(first, first + a.image_size(), b.images.data() + j * b.image_size());
}

/// Measures the rows that `wanted` accepts.
template <class Wanted>
void measure(const models::Catalogue& catalogue, const Evidence& evidence, const std::string& group,
             const std::string& prefix, const std::string& suffix, const Working& working, Wanted&& wanted,
             std::vector<Score>& scores) {
    for (const Row& row : catalogue.rows()) {
        if (row.category != "metric") continue;
        const auto& metric = std::get<MetricBuilder>(row.builder);
        if (metric.needs_classes && evidence.fake_probabilities() == nullptr) continue;
        if (!wanted(row.kind, metric)) continue;
        const std::string name = prefix + row.kind + suffix;
        working(name);
        scores.push_back(scored(name, group, evidence.fake().shape()[0], metric.measure(evidence),
                                metric.better, metric.share));
    }
}

}  // namespace

models::Estimate Score::estimate() const {
    return share ? clamped(jackknife->estimate()) : jackknife->estimate();
}

Evaluator::Evaluator(std::vector<Reference> references, std::vector<View> views, std::size_t threads,
                     Working working, bool likelihood)
    : catalogue_(models::standard_catalogue()),
      references_(std::move(references)),
      views_(std::move(views)),
      threads_(threads),
      working_(std::move(working)),
      likelihood_(likelihood),
      arena_(threads),
      seen_(views_.size() * references_.size()) {}

Evaluator::Seen Evaluator::look(const View& view, const Dataset& images, bool keep) {
    if (!view.network) return {models::pixel_samples(images), nullptr};
    working_(fmt::format("{} of {} images", view.name, images.count));
    const models::ImageFeatures made = keep ? kept_features(*view.network, images, arena_)
                                            : models::features_of(*view.network, images, arena_);
    return {models::feature_samples(made), models::probability_samples(made)};
}

const Evaluator::Seen& Evaluator::reference(std::size_t view, std::size_t reference) {
    std::optional<Seen>& seen = seen_[view * references_.size() + reference];
    if (!seen) seen = look(views_[view], *references_[reference].images, true);
    return *seen;
}

std::optional<std::size_t> Evaluator::place_of(const std::string& reference) const {
    for (std::size_t i = 0; i < references_.size(); ++i)
        if (references_[i].name == reference) return i;
    return std::nullopt;
}

void Evaluator::add_metrics(std::vector<Score>& scores, const Seen& seen, std::size_t view,
                            std::size_t reference) {
    const Reference& against = references_[reference];
    const Evidence evidence(this->reference(view, reference).features, seen.features, seen.probabilities,
                            threads_);
    const std::string beside = fmt::format("against {} {} images", against.images->count, against.name);
    const std::string group = view == 0 ? beside : fmt::format("by {}, {}", views_[view].name, beside);
    measure(
        catalogue_, evidence, group, views_[view].prefix, against.suffix, working_,
        [&](const std::string& kind, const MetricBuilder& metric) {
            const bool distance = kind == "fid" || kind == "mind";
            return metric.of_pairs && (view == 0 || distance);
        },
        scores);
    if (view == 0 && reference == 0)
        measure(
            catalogue_, evidence, "of the images alone", "", "", working_,
            [](const std::string&, const MetricBuilder& metric) { return !metric.of_pairs; }, scores);
}

void Evaluator::add_classes(std::vector<Score>& scores, const Dataset& images, const Seen& seen) {
    if (!seen.probabilities) return;
    const std::size_t classes = seen.probabilities->shape()[1];
    const std::vector<std::size_t> predicted = models::predicted_classes(*seen.probabilities);
    std::vector<double> weights(classes, 0.0);
    for (const std::size_t each : models::predicted_classes(*reference(0, 0).probabilities)) ++weights[each];
    if (std::any_of(weights.begin(), weights.end(), [](double weight) { return weight == 0; }))
        weights.clear();
    const models::ModeHistogram modes = models::mode_histogram(predicted, classes, weights);
    const std::string group = "classes, as the feature network tells them";
    scores.push_back(counted("classes_met", group, images.count, static_cast<double>(modes.met)));
    scores.push_back(
        counted("classes_met_five_times", group, images.count, static_cast<double>(modes.met_five_times)));
    scores.push_back(
        scored("classes_kl", group, images.count, modes.divergence, MetricBuilder::Better::lower));
    if (!images.has_labels()) return;
    const std::vector<std::size_t> wanted(images.labels.begin(), images.labels.end());
    const models::LabelAccuracy labels = models::label_accuracy(predicted, wanted, classes);
    scores.push_back(
        scored("label_accuracy", group, images.count, labels.accuracy, MetricBuilder::Better::higher, true));
    for (std::size_t k = 0; k < classes; ++k)
        if (labels.classes[k].wanted > 0)
            scores.push_back(counted(fmt::format("label_accuracy_{}", k), group, labels.classes[k].wanted,
                                     static_cast<double>(labels.classes[k].right) /
                                         static_cast<double>(labels.classes[k].wanted)));
}

void Evaluator::add_copies(std::vector<Score>& scores, const Dataset& images, const Seen& seen,
                           bool likelihood) {
    const auto train = place_of("train"), held_back = place_of("held-back");
    if (!train || !held_back) return;
    const models::Samples &known = *reference(0, *train).features, &held = *reference(0, *held_back).features;
    const std::string group = "copies of training images";
    working_("copies");
    const models::Memorisation found = models::memorisation(known, held, *seen.features, {}, threads_);
    scores.push_back(scored("copying", group, images.count, found.copying, std::nullopt));
    scores.push_back(
        scored("nearer_to_train", group, found.compared, found.nearer_to_train, std::nullopt, true));
    const auto exact = std::count_if(found.exact.begin(), found.exact.end(), [&](const models::Copy& copy) {
        return same_image(images, copy.fake, *references_[*train].images, copy.train);
    });
    scores.push_back(counted("exact_copies", group, images.count, static_cast<double>(exact)));
    scores.push_back(counted("near_copies", group, images.count, static_cast<double>(found.near.size())));
    scores.push_back(counted("near_copies_expected", group, images.count, found.near_expected));
    if (!likelihood) return;
    working_("fld, which takes a minute");
    const models::FeatureLikelihood fld =
        models::feature_likelihood(known, held, *seen.features, 0, threads_);
    scores.push_back(counted("fld", group, fld.fakes, fld.divergence));
    scores.back().better = MetricBuilder::Better::lower;
    scores.push_back(counted("fld_generalisation_gap", group, fld.fakes, fld.generalisation_gap));
}

Evaluator::Sight Evaluator::look(const Dataset& images, bool keep) {
    Sight sight;
    for (const View& view : views_) sight.push_back(look(view, images, keep));
    return sight;
}

Evaluator::Sight Evaluator::chosen(const std::vector<std::size_t>& indices) {
    const auto rows = [&](const std::shared_ptr<const models::Samples>& all) {
        if (!all) return all;
        const std::size_t width = all->shape()[1];
        auto some = std::make_shared<models::Samples>(models::Samples::from_shape({indices.size(), width}));
        for (std::size_t i = 0; i < indices.size(); ++i)
            std::copy_n(all->data() + indices[i] * width, width, some->data() + i * width);
        return std::shared_ptr<const models::Samples>(std::move(some));
    };
    Sight sight;
    for (std::size_t view = 0; view < views_.size(); ++view) {
        const Seen& train = reference(view, *place_of("train"));
        sight.push_back({rows(train.features), rows(train.probabilities)});
    }
    return sight;
}

std::vector<Score> Evaluator::judge(const Dataset& images, const Sight& sight, std::size_t references,
                                    bool copies) {
    std::vector<Score> scores;
    for (std::size_t reference = 0; reference < references; ++reference)
        add_metrics(scores, sight[0], 0, reference);
    add_classes(scores, images, sight[0]);
    if (copies) add_copies(scores, images, sight[0], references > 1 && likelihood_);
    for (std::size_t view = 1; view < views_.size(); ++view) add_metrics(scores, sight[view], view, 0);
    return scores;
}

std::vector<Score> Evaluator::judge(const Dataset& images) {
    return judge(images, look(images, false), references_.size(), true);
}

std::vector<std::pair<std::string, std::vector<Score>>> Evaluator::judge_anchors(const Dataset& images,
                                                                                 const Working& begin) {
    const std::size_t train = *place_of("train");
    const Dataset& known = *references_[train].images;
    std::vector<std::pair<std::string, std::vector<Score>>> anchors;
    const auto add_chosen = [&](const char* name, const std::vector<std::size_t>& indices, bool copies) {
        begin(name);
        Dataset some = models::chosen_images(known, indices);
        some.labels.clear();
        anchors.emplace_back(name, judge(some, chosen(indices), 1, copies));
    };
    if (train > 0) add_chosen("real", models::drawn_indices(known.count, images.count, 0), false);
    begin("gaussian");
    const Dataset gaussian = models::gaussian_images(known, images.count, 0);
    anchors.emplace_back("gaussian", judge(gaussian, look(gaussian, true), 1, true));
    const Seen seen = look(views_[0], images, false);
    std::vector<std::size_t> nearest;
    for (const models::Nearest& each : models::nearest_rows(
             models::rows_of(*seen.features), models::rows_of(*reference(0, train).features), threads_))
        nearest.push_back(each.row);
    add_chosen("copier", nearest, true);
    return anchors;
}

std::vector<Score> judge_features(const models::Samples& real, const models::Samples& fake,
                                  std::size_t threads, const Working& working) {
    const Evidence evidence(std::make_shared<models::Samples>(real), std::make_shared<models::Samples>(fake),
                            nullptr, threads);
    std::vector<Score> scores;
    measure(
        models::standard_catalogue(), evidence,
        fmt::format("against {} features of real samples", real.shape()[0]), "", "", working,
        [](const std::string&, const MetricBuilder&) { return true; }, scores);
    return scores;
}

}  // namespace duet::tools
