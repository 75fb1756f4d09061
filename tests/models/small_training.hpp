#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <duet/duet.hpp>

#include "../graph/support.hpp"
#include "support.hpp"

namespace duet::testing {

inline constexpr std::size_t batch = 8;

/// Images of 4x4 of an arbitrary pattern, of two classes.
inline std::shared_ptr<const Dataset> pictures() {
    auto data = std::make_shared<Dataset>();
    data->count = 40;
    data->height = data->width = 4;
    for (std::size_t i = 0; i < data->count * 16; ++i)
        data->images.push_back(static_cast<std::uint8_t>(i * 37 % 251));
    for (std::size_t i = 0; i < data->count; ++i) data->labels.push_back(i % 2);
    return data;
}

inline models::Term discriminator_loss() {
    return {"real_or_fake", [](models::View& view) {
                return models::non_saturating(view.real_score(), view.fake_score()).discriminator;
            }};
}

inline models::Term generator_loss() {
    return {"fooling",
            [](models::View& view) { return models::non_saturating_generator(view.fake_score()); }};
}

inline models::Term pairs(bool generator) {
    return {generator ? "fooling" : "real_or_fake", [=](models::View& view) {
                const auto losses = models::relativistic_pairing(view.real_score(), view.fake_score());
                return generator ? losses.generator : losses.discriminator;
            }};
}

inline models::Term r1_term(double weight = 1) {
    return {"r1",
            [](models::View& view) { return models::r1(view.tape(), view.real_score(), view.real(), 1.0); },
            weight};
}

inline models::Term r2_term() {
    return {"r2", [](models::View& view) {
                const Tensor fake = stop_gradient(view.fake());
                return models::r1(view.tape(), view.score(fake), fake, 1.0);
            }};
}

inline models::Training pair(std::vector<models::Term> of_discriminator, models::Term of_generator) {
    models::Training training;
    training.networks = {models::mlp("generator", {3, 8, 16}, relu, sigmoid, 1),
                         models::mlp("discriminator", {16, 8, 1}, relu, linear, 1)};
    training.images.height = training.images.width = 4;
    training.latent = 3;
    training.batch = batch;
    models::Phase generator{"generator", {"generator"}, {std::move(of_generator)}};
    generator.optimizer = std::make_shared<Adam>("generator_adam", AdamOptions{1e-2, 0.5});
    models::Phase discriminator{"discriminator", {"discriminator"}, std::move(of_discriminator)};
    discriminator.optimizer = std::make_shared<Adam>("discriminator_adam", AdamOptions{1e-2, 0.5});
    training.phases = {generator, discriminator};
    training.stages = {{{"discriminator"}}, {{"generator"}}};
    return training;
}

inline std::vector<Array> trained(const models::Training& training, int steps, std::size_t threads = 1) {
    models::Trainer trainer(training, pictures(), {.threads = threads});
    for (int i = 0; i < steps; ++i) trainer.step();
    return values_of(trainer.state().variables());
}

/// What the first step measures.
inline std::map<std::string, double> first_step(const models::Training& training) {
    models::Trainer trainer(training, pictures());
    const models::Record record = trainer.step();
    std::map<std::string, double> values;
    for (std::size_t i = 0; i < record.names.size(); ++i) values[record.names[i]] = record.values[i];
    return values;
}

}  // namespace duet::testing
