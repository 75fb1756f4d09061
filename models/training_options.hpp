#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <duet/autodiff/adam.hpp>
#include <duet/models/gan_shape.hpp>

namespace duet::models {

/// In which order the two networks are trained.
enum class Schedule {
    documented,   ///< one joint step of both from one forward pass, then a generator step on fresh noise
    alternating,  ///< n discriminator steps, then one generator step, fresh noise each
};

/// What is added to the discriminator's loss: nothing, R1, or the gradient penalty (penalties.hpp).
enum class Penalty { none, r1, gradient };

/// "documented" or "alternating"; "none", "r1" or "gp". Throws Error, listing the names known, for another
/// one.
Schedule schedule_by_name(const std::string& name);
Penalty penalty_by_name(const std::string& name);
std::string_view name_of(Schedule schedule);
std::string_view name_of(Penalty penalty);

/// How to train. The defaults are the article's numbers with R1, without which its networks collapse.
struct TrainingOptions {
    std::string loss = "non-saturating";
    Schedule schedule = Schedule::documented;
    Penalty penalty = Penalty::r1;
    double penalty_weight = 1.0;
    AdamOptions adam = {2e-4, 0.5, 0.999, 1e-8};
    std::size_t batch = 128;
    /// Discriminator steps for each generator step of Schedule::alternating.
    std::size_t discriminator_steps = 1;
    std::uint64_t seed = 0;
    std::size_t threads = 1;
    /// False computes the step without fusion, or without rewriting, for debugging: see CompileOptions.
    bool fuse = true;
    bool rewrite = true;
    /// Plans a program after each pass of the compiler, for ProgramReport.
    bool report_passes = false;
};

/// The options of a kind's paper. mlp: the article's, as above. dcgan and cgan: Radford et al. 2015, section
/// 4: Adam 2e-4, 0.5, batches of 128, alternating, no penalty. resnet: as Mescheder et al. 2018 train
/// residual networks: R1 of weight 10, Adam 1e-4, beta1 0, beta2 0.99; in batches of 64, alternating.
TrainingOptions default_options(ModelKind kind);

/// The options with those of Gulrajani et al. 2017, algorithm 1, for a Wasserstein critic under the gradient
/// penalty: its weight 10, five critic steps to one of the generator, Adam 1e-4, 0, 0.9, batches of 64.
TrainingOptions with_gradient_penalty(TrainingOptions options);

}  // namespace duet::models
