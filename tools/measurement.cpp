#include "measurement.hpp"

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/data/image_array.hpp>
#include <duet/data/load_images.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/metrics/anchors.hpp>

#include "feature_cache.hpp"

namespace duet::tools {

namespace {

std::shared_ptr<const Dataset> choosing_half(const Spec& recipe) {
    const std::string& data = recipe.text("data.path");
    if (!holds_test_images(data))
        throw Error(
            fmt::format("evaluate.every: {} holds no images that are held back to compare with", data));
    return std::make_shared<const Dataset>(half_of(load_images(data, Split::test), Half::choosing));
}

std::vector<models::Row> metrics_of(const models::Catalogue& catalogue, const Spec& recipe) {
    std::vector<models::Row> rows;
    for (const Value& name : std::get<std::vector<Value>>(recipe.find("evaluate.metrics")->is)) {
        try {
            rows.push_back(catalogue.row("metric", std::get<std::string>(name.is)));
        } catch (const Error& error) {
            throw Error(fmt::format("evaluate.metrics: {}", error.what()));
        }
    }
    return rows;
}

}  // namespace

Dataset half_of(const Dataset& held_back, Half half) {
    const std::vector<std::size_t> order = models::drawn_indices(held_back.count, held_back.count, 0);
    const auto middle = order.begin() + static_cast<std::ptrdiff_t>(order.size() / 2);
    return models::chosen_images(held_back, half == Half::choosing ? std::vector(order.begin(), middle)
                                                                   : std::vector(middle, order.end()));
}

Measurement::Measurement(const models::Catalogue& catalogue, const Spec& recipe,
                         std::shared_ptr<const Dataset> train, const models::Model& model,
                         models::Trainer& trainer)
    : every_(recipe.whole("evaluate.every")),
      count_(recipe.whole("evaluate.count")),
      trainer_(trainer),
      metrics_(metrics_of(catalogue, recipe)),
      network_(shipped_network(catalogue, train, trainer.arena().threads())),
      held_back_(choosing_half(recipe)),
      real_(models::feature_samples(kept_features(network_, *held_back_, trainer.arena()))),
      sampler_(model, recipe.whole("seed"), trainer.arena()) {
    for (const models::Row& row : metrics_) {
        if (std::get<models::MetricBuilder>(row.builder).needs_classes && network_.images.classes == 0)
            throw Error(
                fmt::format("evaluate.metrics: {} needs classes, and the images have no labels", row.kind));
        trainer_.add_metric(row.kind);
    }
}

void Measurement::measure() {
    const Dataset drawn = images_of_array(sampler_.draw(count_), *held_back_, "the generator").images;
    const models::ImageFeatures made = models::features_of(network_, drawn, trainer_.arena());
    const models::Evidence evidence(real_, models::feature_samples(made), models::probability_samples(made),
                                    trainer_.arena().threads());
    for (const models::Row& row : metrics_)
        trainer_.set_metric(row.kind,
                            std::get<models::MetricBuilder>(row.builder).measure(evidence).estimate().value);
}

}  // namespace duet::tools
