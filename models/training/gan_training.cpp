#include <duet/models/training/gan_training.hpp>

#include <duet/autodiff/adam.hpp>
#include <duet/models/terms/losses.hpp>
#include <duet/models/terms/penalties.hpp>
#include <duet/models/training/view.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/reduce.hpp>

namespace duet::models {

namespace {

std::vector<Term> penalty_terms(const TrainingOptions& options) {
    if (options.penalty == Penalty::r1)
        return {{"r1", [](View& view) { return r1(view.tape(), view.real_score(), view.real(), 1.0); },
                 options.penalty_weight}};
    if (options.penalty == Penalty::gradient)
        return {{"gradient_penalty",
                 [](View& view) {
                     const Tensor points = interpolated(view.real(), view.fake());
                     return gradient_penalty(view.tape(), view.score(points), points, 1.0);
                 },
                 options.penalty_weight}};
    return {};
}

}  // namespace

Training gan_training(const GanModel& model, const TrainingOptions& options) {
    const GanShape& shape = model.shape;
    const LossFunction loss = loss_by_name(options.loss);
    const auto generator_loss = options.loss == "minimax"       ? minimax_generator
                                : options.loss == "wasserstein" ? wasserstein_generator
                                                                : non_saturating_generator;
    Phase generator{"generator", {"generator"}, {{"generator_adversarial", [=](View& view) {
                                                      return generator_loss(view.fake_score(), {});
                                                  }}}};
    Phase discriminator{"discriminator",
                        {"discriminator"},
                        {{"discriminator_adversarial", [=](View& view) {
                              return loss(view.real_score(), view.fake_score(), {}).discriminator;
                          }}}};
    for (Term& term : penalty_terms(options)) discriminator.terms.push_back(std::move(term));
    discriminator.watched = {
        {"real_probability", [](View& view) { return mean(sigmoid(view.real_score())); }},
        {"fake_probability", [](View& view) { return mean(sigmoid(view.fake_score())); }}};
    generator.optimizer = std::make_shared<Adam>("generator_adam", options.adam);
    discriminator.optimizer = std::make_shared<Adam>("discriminator_adam", options.adam);
    Training training;
    training.networks = {model.generator, model.discriminator};
    training.images = {shape.height, shape.width, shape.channels, shape.range(), shape.kind == ModelKind::mlp,
                       shape.classes};
    training.latent = shape.latent();
    training.phases = {std::move(generator), std::move(discriminator)};
    training.stages =
        options.schedule == Schedule::documented
            ? std::vector<Stage>{{{"discriminator", "generator"}}, {{"generator"}}}
            : std::vector<Stage>{{{"discriminator"}, options.discriminator_steps}, {{"generator"}}};
    training.batch = options.batch;
    training.seed = options.seed;
    return training;
}

Trainer gan_trainer(const GanModel& model, const TrainingOptions& options,
                    std::shared_ptr<const Dataset> data) {
    return Trainer(gan_training(model, options), std::move(data),
                   {options.threads, options.fuse, options.rewrite, options.report_passes});
}

}  // namespace duet::models
