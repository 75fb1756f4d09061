#include <duet/models/gan_trainer.hpp>

#include <algorithm>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/autodiff/adam.hpp>
#include <duet/graph/error.hpp>
#include <duet/graph/finite.hpp>
#include <duet/models/terms/losses.hpp>
#include <duet/models/training_step.hpp>

namespace duet::models {

namespace {

constexpr std::uint64_t steps_between_snapshots = 100;

/// Copies of variables' values, taken and put back without allocating.
class Snapshot {
 public:
    explicit Snapshot(std::vector<Variable> variables) : variables_(std::move(variables)) {
        for (const Variable& variable : variables_) values_.push_back(variable.value());
    }
    /// Throws NonFiniteError, and stays what it was, if a value is not finite.
    void take() {
        check_finite();
        for (std::size_t i = 0; i < variables_.size(); ++i)
            std::copy_n(variables_[i].data(), values_[i].size(), values_[i].data());
    }
    void check_finite() const {
        if (const auto broken = find_not_finite(variables_))
            throw NonFiniteError("variable " + *broken + "; a gradient of the step before was not finite");
    }
    void put_back() const {
        for (std::size_t i = 0; i < variables_.size(); ++i) variables_[i].assign(values_[i]);
    }

 private:
    std::vector<Variable> variables_;
    std::vector<Array> values_;
};

void check(const TrainingOptions& options, const GanModel& model, const Dataset& data) {
    loss_by_name(options.loss);
    if (const auto broken = find_not_finite(model.variables()))
        throw Error(fmt::format("a training starts from finite weights, but {}", *broken));
    if (options.batch == 0) throw Error("batch: 0 images; a batch has at least one");
    if (options.discriminator_steps == 0)
        throw Error("discriminator steps: 0; at least one is needed for each step");
    const GanShape& shape = model.shape;
    if (data.height != shape.height || data.width != shape.width || data.channels != shape.channels)
        throw Error(
            fmt::format("the images are {}x{} with {} channel(s), the model draws {}x{} with {}: choose a "
                        "model for them, "
                        "or other images",
                        data.height, data.width, data.channels, shape.height, shape.width, shape.channels));
    if (options.penalty == Penalty::gradient && !model.discriminator.statistics().empty())
        throw Error(
            "the gradient penalty needs a discriminator without batch normalisation, which makes the score "
            "of "
            "an image depend on the others of its batch");
    if (shape.classes == 0) return;
    if (!data.has_labels())
        throw Error(fmt::format("the model is conditioned on {} classes, but the images have no labels",
                                shape.classes));
    const auto highest = std::max_element(data.labels.begin(), data.labels.end());
    if (*highest >= shape.classes)
        throw Error(fmt::format("image {} has the label {}, but the model's classes are 0 to {}",
                                highest - data.labels.begin(), *highest, shape.classes - 1));
}

}  // namespace

struct GanTrainer::State {
    State(GanModel trained, const TrainingOptions& wanted, std::shared_ptr<const Dataset> data)
        : model(std::move(trained)),
          options(wanted),
          batches(std::move(data), wanted.batch, wanted.seed, model.shape.range()),
          images(filled(model.shape.images(wanted.batch), 0.0F)),
          labels(filled(Shape{wanted.batch}, 0.0F)),
          arena(wanted.threads),
          generator_adam("generator_adam", wanted.adam),
          discriminator_adam("discriminator_adam", wanted.adam),
          discriminator_program(compile_discriminator(false)),
          generator_program(compile_generator(false)),
          snapshot(variables()) {}

    /// A program with what it is fed. Feeds name their input by graph and node, so the graph stays.
    struct StepProgram {
        std::unique_ptr<Graph> graph;
        std::vector<Feed> feeds;
        Program<float> program;
    };

    StepProgram compile_step(std::unique_ptr<Graph> graph, const TrainingStep& step, bool scan) const {
        CompileOptions how;
        how.scan = scan;
        how.fuse = options.fuse;
        how.rewrite = options.rewrite;
        how.report_passes = options.report_passes;
        Program<float> program = compile<float>(*graph, step.fetches, step.updates, arena, how);
        std::vector<Feed> feeds;
        if (step.real.valid()) feeds.push_back({step.real, images});
        if (step.labels.valid()) feeds.push_back({step.labels, labels});
        return {std::move(graph), std::move(feeds), std::move(program)};
    }

    StepProgram compile_discriminator(bool scan) {
        auto graph = std::make_unique<Graph>(options.seed);
        const TrainingStep step =
            declare_discriminator_step(*graph, model, options, generator_adam, discriminator_adam);
        return compile_step(std::move(graph), step, scan);
    }

    StepProgram compile_generator(bool scan) {
        auto graph = std::make_unique<Graph>(options.seed);
        const TrainingStep step = declare_generator_step(*graph, model, options, generator_adam);
        return compile_step(std::move(graph), step, scan);
    }

    void fill_batch(std::uint64_t number) {
        arena.for_each_thread([&](std::size_t thread) {
            if (model.shape.classes > 0)
                batches.fill_part(number, thread, arena.threads(), images, labels);
            else
                batches.fill_part(number, thread, arena.threads(), images);
        });
    }

    std::uint64_t discriminator_steps() const {
        return options.schedule == Schedule::alternating ? options.discriminator_steps : 1;
    }

    StepMetrics run(std::uint64_t step, StepProgram& discriminator, StepProgram& generator) {
        const std::uint64_t count = discriminator_steps();
        std::uint64_t draw = step * (count + 1);
        for (std::uint64_t i = 0; i < count; ++i) {
            fill_batch(step * count + i);
            discriminator.program.run(discriminator.feeds, draw++);
        }
        const auto value = [](const Array& scalar) { return static_cast<double>(*scalar.data()); };
        const double fresh_loss = value(generator.program.run(generator.feeds, draw).front());
        const Program<float>& joint = discriminator.program;
        return {step + 1, options.schedule == Schedule::documented ? value(joint[3]) : fresh_loss,
                value(joint[0]), value(joint[1]), value(joint[2])};
    }

    /// Repeats the steps since the snapshot up to `step`, looking at every node, and says what it finds.
    std::string diagnose(std::uint64_t step, const std::string& found) {
        StepProgram discriminator = compile_discriminator(true);
        StepProgram generator = compile_generator(true);
        snapshot.put_back();
        std::string message = fmt::format("step {}: {}", step + 1, found);
        for (std::uint64_t again = snapshot_step; again <= step; ++again) {
            try {
                run(again, discriminator, generator);
            } catch (const NonFiniteError& error) {
                message = fmt::format("step {}: {}", again + 1, error.what());
                break;
            }
        }
        snapshot.put_back();
        return message;
    }

    template <class Action>
    auto go_back_if_not_finite(Action&& action) -> decltype(action()) {
        try {
            return action();
        } catch (const NonFiniteError& error) {
            const std::string message = diagnose(steps_done, error.what());
            steps_done = snapshot_step;
            throw NonFiniteError(message);
        }
    }

    std::vector<Variable> variables() const {
        std::vector<Variable> all = model.variables();
        for (const auto& more : {generator_adam.variables(), discriminator_adam.variables()})
            all.insert(all.end(), more.begin(), more.end());
        return all;
    }

    GanModel model;
    TrainingOptions options;
    Batches batches;
    Array images, labels;
    Arena arena;
    Adam generator_adam, discriminator_adam;
    StepProgram discriminator_program, generator_program;
    Snapshot snapshot;
    std::uint64_t snapshot_step = 0;
    std::uint64_t steps_done = 0;
};

GanTrainer::GanTrainer(GanModel model, const TrainingOptions& options, std::shared_ptr<const Dataset> data) {
    check(options, model, *data);
    state_ = std::make_unique<State>(std::move(model), options, std::move(data));
}

GanTrainer::~GanTrainer() = default;

StepMetrics GanTrainer::step() {
    State& state = *state_;
    return state.go_back_if_not_finite([&] {
        if (state.steps_done % steps_between_snapshots == 0) {
            state.snapshot.take();
            state.snapshot_step = state.steps_done;
        }
        const StepMetrics metrics =
            state.run(state.steps_done, state.discriminator_program, state.generator_program);
        ++state.steps_done;
        return metrics;
    });
}

void GanTrainer::check_finite() {
    state_->go_back_if_not_finite([&] { state_->snapshot.check_finite(); });
}

std::uint64_t GanTrainer::steps_done() const {
    return state_->steps_done;
}
std::uint64_t GanTrainer::snapshot_step() const {
    return state_->snapshot_step;
}
const GanModel& GanTrainer::model() const {
    return state_->model;
}
const Arena& GanTrainer::arena() const {
    return state_->arena;
}
std::vector<Variable> GanTrainer::variables() const {
    return state_->variables();
}

std::uint64_t GanTrainer::images_per_step() const {
    return state_->options.batch * state_->discriminator_steps();
}

std::uint64_t GanTrainer::steps_for_epochs(std::uint64_t epochs) const {
    const std::uint64_t batches = state_->batches.steps_for_epochs(epochs),
                        count = state_->discriminator_steps();
    return batches / count + (batches % count != 0);
}

void GanTrainer::set_profiled(bool profiled) {
    state_->discriminator_program.program.set_profiled(profiled);
    state_->generator_program.program.set_profiled(profiled);
}

std::vector<std::pair<std::string, const Program<float>*>> GanTrainer::programs() const {
    const bool joint = state_->options.schedule == Schedule::documented;
    return {{joint ? "joint step" : "discriminator step", &state_->discriminator_program.program},
            {joint ? "generator step on fresh noise" : "generator step", &state_->generator_program.program}};
}

}  // namespace duet::models
