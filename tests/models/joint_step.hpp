#pragma once

#include <vector>

#include <duet/duet.hpp>

#include "pair.hpp"

namespace duet::testing {

/// The joint step of both networks on fed noise, declared as a user would, with everything worth comparing
/// fetched: the discriminator's loss, the generator's, then every gradient in the order of the variables.
struct JointStep {
    Graph graph;
    Tensor real, noise, labels;
    std::vector<Tensor> fetches;
    Updates generator_updates, discriminator_updates;

    JointStep(const models::Model& model, models::LossFunction loss, double r1_weight, std::size_t batch,
              Optimizer& generator_optimizer, Optimizer& discriminator_optimizer) {
        real = graph.input("real", model.images.batch_of(batch));
        if (model.images.classes > 0) labels = graph.input("labels", {batch});
        noise = graph.input("noise", {batch, model.latent});
        const GradientTape generator_tape(graph), discriminator_tape(graph);
        const Tensor fake = model.generator()(noise, models::Mode::training, labels);
        const Tensor real_score = model.discriminator()(real, models::Mode::training, labels);
        const Tensor fake_score = model.discriminator()(fake, models::Mode::training, labels);
        const models::Losses losses = loss(real_score, fake_score, {});
        Tensor discriminator_loss = losses.discriminator;
        if (r1_weight > 0)
            discriminator_loss =
                discriminator_loss + models::r1(discriminator_tape, real_score, real, r1_weight);
        const auto generator_gradients =
            generator_tape.gradient(losses.generator, model.generator().variables());
        const auto discriminator_gradients =
            discriminator_tape.gradient(discriminator_loss, model.discriminator().variables());
        fetches = {discriminator_loss, losses.generator};
        for (const auto& each : generator_gradients) fetches.push_back(each.gradient);
        for (const auto& each : discriminator_gradients) fetches.push_back(each.gradient);
        generator_updates = generator_optimizer.apply(generator_gradients);
        discriminator_updates = discriminator_optimizer.apply(discriminator_gradients);
    }
};

inline std::vector<Variable> variables_of(const models::Model& model) {
    std::vector<Variable> variables = model.generator().variables();
    variables.insert(variables.end(), model.discriminator().variables().begin(),
                     model.discriminator().variables().end());
    return variables;
}

}  // namespace duet::testing
