#include <duet/models/training_step.hpp>

#include <duet/models/terms/losses.hpp>
#include <duet/models/terms/penalties.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/random.hpp>
#include <duet/ops/reduce.hpp>

namespace duet::models {

namespace {

Tensor noise(Graph& graph, const GanModel& model, const TrainingOptions& options) {
    return random_normal(graph, "noise", {options.batch, model.shape.latent()});
}

Tensor label_input(Graph& graph, const GanModel& model, const TrainingOptions& options) {
    return model.shape.classes == 0 ? Tensor() : graph.input("labels", {options.batch});
}

/// Adds the penalty of the options to the discriminator's loss.
Tensor penalized(const Tensor& loss, const GradientTape& tape, const Network& discriminator,
                 const TrainingOptions& options, const TrainingStep& step, const Tensor& real_score,
                 const Tensor& fake) {
    switch (options.penalty) {
        case Penalty::none:
            return loss;
        case Penalty::r1:
            return loss + r1(tape, real_score, step.real, options.penalty_weight).named("r1");
        case Penalty::gradient:
            break;
    }
    const Tensor points = interpolated(step.real, fake);
    const Tensor score = discriminator(points, Mode::training, step.labels);
    return loss + gradient_penalty(tape, score, points, options.penalty_weight).named("gradient_penalty");
}

}  // namespace

TrainingStep declare_discriminator_step(Graph& graph, const GanModel& model, const TrainingOptions& options,
                                        Optimizer& generator_optimizer, Optimizer& discriminator_optimizer) {
    const Network &generator = model.generator, &discriminator = model.discriminator;
    TrainingStep step;
    step.real = graph.input("real", model.shape.images(options.batch));
    step.labels = label_input(graph, model, options);
    const Tensor latent = noise(graph, model, options);
    const GradientTape generator_tape(graph), discriminator_tape(graph);
    const Tensor fake = generator(latent, Mode::training, step.labels).named("fake");
    const Tensor real_score = discriminator(step.real, Mode::training, step.labels).named("real_score");
    const Tensor fake_score = discriminator(fake, Mode::training, step.labels).named("fake_score");
    const Losses losses = loss_by_name(options.loss)(real_score, fake_score, {});
    const Tensor discriminator_loss =
        penalized(losses.discriminator, discriminator_tape, discriminator, options, step, real_score, fake);
    discriminator_loss.named("discriminator_loss");
    step.fetches = {discriminator_loss, mean(sigmoid(real_score)), mean(sigmoid(fake_score))};
    if (options.schedule == Schedule::documented) {
        losses.generator.named("generator_loss");
        step.fetches.push_back(losses.generator);
        step.updates.push_back(
            generator_optimizer.apply(generator_tape.gradient(losses.generator, generator.variables())));
    }
    step.updates.push_back(discriminator_optimizer.apply(
        discriminator_tape.gradient(discriminator_loss, discriminator.variables())));
    return step;
}

TrainingStep declare_generator_step(Graph& graph, const GanModel& model, const TrainingOptions& options,
                                    Optimizer& generator_optimizer) {
    const Network& generator = model.generator;
    TrainingStep step;
    step.labels = label_input(graph, model, options);
    const Tensor latent = noise(graph, model, options);
    const GradientTape tape(graph);
    const Tensor fake = generator(latent, Mode::training, step.labels).named("fake");
    const Tensor fake_score = model.discriminator(fake, Mode::training, step.labels).named("fake_score");
    const Tensor loss =
        loss_by_name(options.loss)(fake_score, fake_score, {}).generator.named("generator_loss");
    step.fetches = {loss};
    step.updates = {generator_optimizer.apply(tape.gradient(loss, generator.variables()))};
    return step;
}

}  // namespace duet::models
