#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <duet/autodiff/optimizer.hpp>
#include <duet/autodiff/rate_schedule.hpp>
#include <duet/models/image_format.hpp>
#include <duet/models/networks/network.hpp>
#include <duet/models/training/record.hpp>

namespace duet::models {

class View;

/// A summand of an objective, and a metric by its name.
struct Term {
    std::string name;
    /// A scalar, or one value a sample, whose mean is taken. It may be called more than once.
    std::function<Tensor(View&)> value;
    double weight = 1;
    /// The weight of each step, in place of `weight`.
    RateSchedule schedule = {};
    /// It counts in every so many steps, the first among them, and in the others it is left out: the lazy
    /// regularisation of Karras et al. 2020, appendix B, whose weight the caller multiplies by as much.
    std::size_t every = 1;
};

/// How gradients of an objective are made; GradientTape::gradient unless one is given.
using GradientRule =
    std::function<VariableGradients(const GradientTape&, const Tensor& loss, const std::vector<Variable>&)>;

/// Makes all updates of a phase of those there are: the optimizer's, or what the rule before made of them.
/// It returns them changed, such as weights kept within bounds, or with others added to them, such as moving
/// averages of the values they make.
using UpdateRule = std::function<Updates(Graph&, const Updates&)>;

/// What stands between images and every score, real and fake alike. `name` says which images they are,
/// "real", "fake" or "points": random nodes are called after it, so that each draws for itself.
using ImageTransform = std::function<Tensor(const Tensor& images, const std::string& name)>;

/// A number that changes with the steps: a scalar variable that is set before each step, and kept in State.
struct Scheduled {
    Variable variable;
    RateSchedule schedule;
};

/// What one optimizer trains, and for which objective: the sum of its terms.
struct Phase {
    std::string name;
    /// Networks, by their names; their parameters are trained.
    std::vector<std::string> trains;
    std::vector<Term> terms;
    /// Metrics that train nothing; weight, schedule and interval do not count.
    std::vector<Term> watched = {};
    std::shared_ptr<Optimizer> optimizer = {};
    /// The learning rate of each step, in place of the optimizer's own.
    RateSchedule rate = {};
    GradientRule gradient_rule = {};
    /// Applied in their order, each to what the one before made.
    std::vector<UpdateRule> updates = {};
};

/// Says how often a stage repeats. It changes with what is measured, and what it remembers is kept in State.
class RepeatRule {
 public:
    virtual ~RepeatRule() = default;
    virtual std::size_t repeats() const = 0;
    /// Is shown what each step measured.
    virtual void see(const Record& record) = 0;
    virtual std::vector<Variable> variables() const = 0;
};

/// Phases, by name, that share one forward pass, one batch and one draw: one program.
struct Stage {
    std::vector<std::string> phases;
    std::size_t repeats = 1;
    /// Decides how often, from what the steps before measured, in place of `repeats`.
    std::shared_ptr<RepeatRule> rule = {};
};

/// A training as a value. A step runs the stages in their order, each as often as it repeats, on fresh
/// noise; one that reads real images takes the next batch, and one that reads labels alone keeps the last.
struct Training {
    std::vector<Network> networks;
    ImageFormat images;
    std::size_t latent = 0;  ///< numbers that the generator draws an image from; 0 without a generator
    std::vector<Phase> phases;
    std::vector<Stage> stages;
    std::size_t batch = 128;
    std::uint64_t seed = 0;
    std::vector<ImageTransform> transforms = {};
    /// How many images the discriminator judges together, side by side in their channels (PacGAN, Lin et al.
    /// 2018): each score is of `packing` consecutive images.
    std::size_t packing = 1;
    /// What terms, transforms and updates read that changes with the steps. Weights and learning rates have
    /// schedules of their own.
    std::vector<Scheduled> scheduled = {};
    std::string generator = "generator";          ///< the network that View::fake draws with
    std::string discriminator = "discriminator";  ///< the network that scores images

    /// Throws Error, listing the names there are, for another one.
    const Network& network(std::string_view name) const;
    const Phase& phase(std::string_view name) const;
};

/// Throws Error, naming the first image at fault, if networks are conditioned on classes and the images have
/// no labels, or one outside the classes.
void check_labels(const ImageFormat& images, const Dataset& data);

/// Throws Error, saying what and where, for a training that cannot be: no stage, phase, term or optimizer,
/// names that are unknown or met twice, a batch, interval or count of zero, a weight that is not finite, one
/// network under two optimizers, two phases of a stage that train one network, or a packing that does not
/// divide the batch.
void check_training(const Training& training);

}  // namespace duet::models
