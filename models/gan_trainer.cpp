#include <duet/models/gan_trainer.hpp>

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/models/losses.hpp>
#include <duet/models/penalties.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/random.hpp>
#include <duet/ops/reduce.hpp>

namespace duet::models {

namespace {

constexpr std::uint64_t steps_between_snapshots = 100;

/// Copies of variables' values, taken and put back without allocating.
class Snapshot {
 public:
    explicit Snapshot(std::vector<Variable> variables) : variables_(std::move(variables)) {
        for (const Variable& variable : variables_) values_.push_back(variable.value());
    }
    void take() {
        for (std::size_t i = 0; i < variables_.size(); ++i)
            std::copy_n(variables_[i].data(), values_[i].size(), values_[i].data());
    }
    void put_back() const {
        for (std::size_t i = 0; i < variables_.size(); ++i) variables_[i].assign(values_[i]);
    }

 private:
    std::vector<Variable> variables_;
    std::vector<Array> values_;
};

/// What one program of a step computes, and where its fetches stand.
struct Declared {
    Tensor real;
    std::vector<Tensor> fetches;
    std::vector<Tensor> finite;
    std::vector<Updates> updates;
};

void check(const TrainingOptions& options, const GanModel& model, const Dataset& data) {
    if (options.batch == 0) throw Error("batch: 0 images; a batch has at least one");
    if (options.discriminator_steps == 0)
        throw Error("discriminator steps: 0; at least one is needed for each step");
    if (data.image_size() != model.shape.image() || data.height != model.shape.height)
        throw Error(fmt::format("the images are {}x{} with {} channel(s), the model draws {}x{} with one",
                                data.height, data.width, data.channels, model.shape.height,
                                model.shape.width));
}

}  // namespace

Schedule schedule_by_name(const std::string& name) {
    if (name == "documented") return Schedule::documented;
    if (name == "alternating") return Schedule::alternating;
    throw Error(fmt::format("schedule \"{}\" is unknown; known are documented, alternating", name));
}

Penalty penalty_by_name(const std::string& name) {
    if (name == "none") return Penalty::none;
    if (name == "r1") return Penalty::r1;
    throw Error(fmt::format("penalty \"{}\" is unknown; known are none, r1", name));
}

struct GanTrainer::State {
    State(GanModel trained, const TrainingOptions& wanted, std::shared_ptr<const Dataset> data)
        : model(std::move(trained)),
          options(wanted),
          loss(loss_by_name(wanted.loss)),
          batches(std::move(data), wanted.batch, wanted.seed, ValueRange::unit),
          images(filled(Shape{wanted.batch, model.shape.image()}, 0.0f)),
          arena(wanted.threads),
          generator_adam("generator_adam", wanted.adam),
          discriminator_adam("discriminator_adam", wanted.adam),
          discriminator_program(compile_discriminator(false)),
          generator_program(compile_generator(false)),
          snapshot(variables()) {}

    Tensor noise(Graph& graph) const {
        return random_normal(graph, "noise", {options.batch, model.shape.latent()});
    }

    /// The discriminator's step; under Schedule::documented the generator's from the same forward pass as
    /// well.
    Declared declare_discriminator(Graph& graph) {
        const bool joint = options.schedule == Schedule::documented;
        Declared step;
        step.real = graph.input("real", {options.batch, model.shape.image()});
        const Tensor latent = noise(graph);
        const GradientTape generator_tape(graph), discriminator_tape(graph);
        const Tensor fake = model.generator(latent).named("fake");
        const Tensor real_score = model.discriminator(step.real).named("real_score");
        const Tensor fake_score = model.discriminator(fake).named("fake_score");
        const Losses losses = loss(real_score, fake_score, {});
        Tensor discriminator_loss = losses.discriminator;
        if (options.penalty == Penalty::r1)
            discriminator_loss =
                discriminator_loss +
                r1(discriminator_tape, real_score, step.real, options.penalty_weight).named("r1");
        discriminator_loss.named("discriminator_loss");
        step.finite = {discriminator_loss};
        step.fetches = {discriminator_loss, mean(sigmoid(real_score)), mean(sigmoid(fake_score))};
        if (joint) {
            losses.generator.named("generator_loss");
            step.finite.push_back(losses.generator);
            step.fetches.push_back(losses.generator);
            step.updates.push_back(
                generator_adam.apply(generator_tape.gradient(losses.generator, model.generator.variables())));
        }
        step.updates.push_back(discriminator_adam.apply(
            discriminator_tape.gradient(discriminator_loss, model.discriminator.variables())));
        return step;
    }

    /// The generator's step on fresh noise.
    Declared declare_generator(Graph& graph) {
        Declared step;
        const Tensor latent = noise(graph);
        const GradientTape tape(graph);
        const Tensor fake_score =
            model.discriminator(model.generator(latent).named("fake")).named("fake_score");
        const Tensor generator_loss = loss(fake_score, fake_score, {}).generator.named("generator_loss");
        step.finite = {generator_loss};
        step.fetches = {generator_loss};
        step.updates = {generator_adam.apply(tape.gradient(generator_loss, model.generator.variables()))};
        return step;
    }

    Program<float> compile_step(Graph& graph, const Declared& step, bool scan) const {
        CompileOptions how;
        how.finite = step.finite;
        how.scan = scan;
        how.fuse = options.fuse;
        how.rewrite = options.rewrite;
        how.report_passes = options.report_passes;
        return compile<float>(graph, step.fetches, step.updates, arena, how);
    }

    /// Feeds name their input by graph and node, so the graph of the discriminator's program stays.
    struct DiscriminatorProgram {
        std::unique_ptr<Graph> graph;
        Tensor real;
        Program<float> program;
    };

    DiscriminatorProgram compile_discriminator(bool scan) {
        auto graph = std::make_unique<Graph>(options.seed);
        const Declared step = declare_discriminator(*graph);
        Program<float> program = compile_step(*graph, step, scan);
        return {std::move(graph), step.real, std::move(program)};
    }

    Program<float> compile_generator(bool scan) {
        Graph graph(options.seed);
        return compile_step(graph, declare_generator(graph), scan);
    }

    std::uint64_t discriminator_steps() const {
        return options.schedule == Schedule::alternating ? options.discriminator_steps : 1;
    }

    StepMetrics run(std::uint64_t step, DiscriminatorProgram& discriminator, Program<float>& generator) {
        const std::uint64_t count = discriminator_steps();
        std::uint64_t draw = step * (count + 1);
        for (std::uint64_t i = 0; i < count; ++i) {
            arena.for_each_thread([&](std::size_t thread) {
                batches.fill_part(step * count + i, thread, arena.threads(), images);
            });
            discriminator.program.run({{discriminator.real, images}}, draw++);
        }
        const auto value = [](const Array& scalar) { return static_cast<double>(*scalar.data()); };
        const double fresh_loss = value(generator.run({}, draw).front());
        const Program<float>& joint = discriminator.program;
        return {step + 1, options.schedule == Schedule::documented ? value(joint[3]) : fresh_loss,
                value(joint[0]), value(joint[1]), value(joint[2])};
    }

    /// Repeats the steps since the snapshot up to `step`, looking at every node, and says what it finds.
    std::string diagnose(std::uint64_t step, const std::string& found) {
        DiscriminatorProgram discriminator = compile_discriminator(true);
        Program<float> generator = compile_generator(true);
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

    std::vector<Variable> variables() const {
        std::vector<Variable> all = model.generator.variables();
        for (const auto& more :
             {model.discriminator.variables(), generator_adam.variables(), discriminator_adam.variables()})
            all.insert(all.end(), more.begin(), more.end());
        return all;
    }

    GanModel model;
    TrainingOptions options;
    LossFunction loss;
    Batches batches;
    Array images;
    Arena arena;
    Adam generator_adam, discriminator_adam;
    DiscriminatorProgram discriminator_program;
    Program<float> generator_program;
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
    if (state.steps_done % steps_between_snapshots == 0) {
        state.snapshot.take();
        state.snapshot_step = state.steps_done;
    }
    try {
        const StepMetrics metrics =
            state.run(state.steps_done, state.discriminator_program, state.generator_program);
        ++state.steps_done;
        return metrics;
    } catch (const NonFiniteError& error) {
        const std::string message = state.diagnose(state.steps_done, error.what());
        state.steps_done = state.snapshot_step;
        throw NonFiniteError(message);
    }
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
    state_->generator_program.set_profiled(profiled);
}

std::vector<std::pair<std::string, const Program<float>*>> GanTrainer::programs() const {
    const bool joint = state_->options.schedule == Schedule::documented;
    return {{joint ? "joint step" : "discriminator step", &state_->discriminator_program.program},
            {joint ? "generator step on fresh noise" : "generator step", &state_->generator_program}};
}

}  // namespace duet::models
