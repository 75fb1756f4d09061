#include <duet/models/training/trainer.hpp>

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/graph/finite.hpp>
#include <duet/graph/pieces.hpp>
#include <duet/models/training/stage.hpp>

namespace duet::models {

namespace {

constexpr std::uint64_t steps_between_snapshots = 100;

void check(const Training& training, const Dataset& data) {
    check_training(training);
    for (const Network& network : training.networks)
        for (const auto* variables : {&network.variables(), &network.statistics()})
            if (const auto broken = find_not_finite(*variables))
                throw Error(fmt::format("a training starts from finite weights, but {}", *broken));
    const ImageFormat& images = training.images;
    if (data.height != images.height || data.width != images.width || data.channels != images.channels)
        throw Error(fmt::format(
            "the images are {}x{} with {} channel(s), those of the training {}x{} with {}: choose a model "
            "for them, or other images",
            data.height, data.width, data.channels, images.height, images.width, images.channels));
}

/// The batch that programs of one type read.
template <class T>
struct FedBatch {
    FedBatch(const Shape& image_shape, const Shape& label_shape)
        : images(filled(image_shape, T(0))), labels(filled(label_shape, T(0))) {}

    ArrayOf<T> images, labels;
};

class RunnableProgram : public StepProgram {
 public:
    virtual void run(std::uint64_t draw) = 0;
    virtual double fetched(std::size_t fetch) const = 0;
    virtual void set_profiled(bool profiled) = 0;
};

template <class T>
class ProgramIn final : public RunnableProgram {
 public:
    ProgramIn(const Graph& graph, const DeclaredStage& declared, const Arena& arena,
              const CompileOptions& how, const FedBatch<T>& batch)
        : program_(compile<T>(graph, declared.fetches, declared.updates, arena, how)) {
        if (declared.real.valid()) feeds_.push_back({declared.real, batch.images});
        if (declared.labels.valid()) feeds_.push_back({declared.labels, batch.labels});
    }

    void run(std::uint64_t draw) override { program_.run(feeds_, draw); }
    double fetched(std::size_t fetch) const override { return static_cast<double>(*program_[fetch].data()); }
    void set_profiled(bool profiled) override { program_.set_profiled(profiled); }
    const ProgramReport& report() const override { return program_.report(); }
    std::vector<InstructionTime> times() const override { return program_.times(); }
    std::string describe() const override { return program_.describe(); }
    std::string to_dot() const override { return program_.to_dot(); }

 private:
    Program<T> program_;
    std::vector<FeedOf<T>> feeds_;
};

/// One program of a stage: that of the steps that leave out the terms of some intervals.
struct StageProgram {
    std::vector<std::size_t> left_out;
    std::unique_ptr<Graph> graph;
    std::unique_ptr<RunnableProgram> program;
    /// The metric, by its place in the record, that each fetch gives.
    std::vector<std::pair<std::size_t, std::size_t>> metrics;
};

struct CompiledStage {
    std::uint64_t fixed_repeats;
    std::shared_ptr<RepeatRule> rule;
    std::vector<const Phase*> phases;
    std::vector<std::size_t> intervals;
    bool reads_images = false, reads_labels = false;  ///< in any of its programs
    std::vector<StageProgram> programs;

    std::uint64_t repeats() const { return rule ? rule->repeats() : fixed_repeats; }
};

/// The sets of intervals that some step leaves out: the others' least common multiple must not be one of
/// their own multiples.
std::vector<std::vector<std::size_t>> sets_left_out(const std::vector<std::size_t>& intervals) {
    std::vector<std::vector<std::size_t>> sets;
    for (std::size_t set = 0; set < std::size_t{1} << intervals.size(); ++set) {
        std::vector<std::size_t> left_out;
        std::size_t first_step = 1;
        for (std::size_t i = 0; i < intervals.size(); ++i)
            if ((set >> i & 1U) != 0)
                left_out.push_back(intervals[i]);
            else
                first_step = std::lcm(first_step, intervals[i]);
        if (std::none_of(left_out.begin(), left_out.end(),
                         [&](std::size_t every) { return first_step % every == 0; }))
            sets.push_back(std::move(left_out));
    }
    return sets;
}

}  // namespace

struct Trainer::Parts {
    Parts(Training wanted, std::shared_ptr<const Dataset> data, const TrainerOptions& how)
        : training(std::move(wanted)),
          options(how),
          batches(std::move(data), training.batch, training.seed, training.images.range),
          batch(training.images.batch_of(training.batch), Shape{training.batch}),
          arena(how.threads),
          weights(scheduled_weights(training)) {
        scheduled = training.scheduled;
        scheduled.insert(scheduled.end(), weights.begin(), weights.end());
        if (options.precision == Precision::float64)
            exact_batch.emplace(shape_of(batch.images), shape_of(batch.labels));
        keep_networks();
        for (const Stage& stage : training.stages) stages.push_back(compile_stage(stage, false));
        values.resize(names.size());
        for (const Phase& phase : training.phases) state.keep(phase.optimizer->variables());
        for (const Scheduled& each : scheduled) state.keep({each.variable});
        for (const Stage& stage : training.stages)
            if (stage.rule) state.keep(stage.rule->variables());
        state.keep(updated);
        snapshot = std::make_unique<Snapshot>(state);
    }

    void keep_networks() {
        for (const Network& network : training.networks) state.keep(network.variables());
        for (const Network& network : training.networks) state.keep(network.statistics());
    }

    CompiledStage compile_stage(const Stage& stage, bool scan) {
        CompiledStage compiled{stage.repeats, stage.rule, {}, intervals_of(training, stage),
                               false,         false,      {}};
        for (const Phase& phase : training.phases)
            if (std::find(stage.phases.begin(), stage.phases.end(), phase.name) != stage.phases.end())
                compiled.phases.push_back(&phase);
        constexpr std::size_t most_intervals = 2;
        if (compiled.intervals.size() > most_intervals)
            throw Error(fmt::format("the terms of stage {} have the intervals {}; at most {} can differ",
                                    fmt::join(stage.phases, ", "), fmt::join(compiled.intervals, ", "),
                                    most_intervals));
        for (std::vector<std::size_t>& left_out : sets_left_out(compiled.intervals)) {
            auto graph = std::make_unique<Graph>(training.seed);
            const DeclaredStage declared = declare_stage(*graph, training, stage, weights, left_out);
            compiled.reads_images |= declared.real.valid();
            compiled.reads_labels |= declared.labels.valid();
            if (declared.labels.valid() && !batches.dataset().has_labels())
                throw Error("the training reads labels, but the images have none");
            compiled.programs.push_back(
                compile_program(std::move(left_out), std::move(graph), declared, scan));
            if (!scan) register_metrics(stages.size(), compiled.programs.back(), declared);
        }
        return compiled;
    }

    StageProgram compile_program(std::vector<std::size_t> left_out, std::unique_ptr<Graph> graph,
                                 const DeclaredStage& declared, bool scan) {
        CompileOptions how;
        how.scan = scan;
        how.fuse = options.fuse;
        how.rewrite = options.rewrite;
        how.report_passes = options.report_passes;
        std::unique_ptr<RunnableProgram> program;
        if (exact_batch)
            program = std::make_unique<ProgramIn<double>>(*graph, declared, arena, how, *exact_batch);
        else
            program = std::make_unique<ProgramIn<float>>(*graph, declared, arena, how, batch);
        for (const Updates& updates : declared.updates)
            for (const Update& update : updates)
                if (std::find(updated.begin(), updated.end(), update.variable) == updated.end())
                    updated.push_back(update.variable);
        return {std::move(left_out), std::move(graph), std::move(program), {}};
    }

    /// A metric belongs to the first stage that has one of its name.
    void register_metrics(std::size_t stage, StageProgram& program, const DeclaredStage& declared) {
        for (std::size_t fetch = 0; fetch < declared.metrics.size(); ++fetch) {
            const std::string& name = declared.metrics[fetch];
            const auto known = std::find(names.begin(), names.end(), name);
            const auto place = static_cast<std::size_t>(known - names.begin());
            if (known == names.end()) {
                names.push_back(name);
                stage_of.push_back(stage);
            }
            if (stage_of[place] == stage) program.metrics.emplace_back(fetch, place);
        }
    }

    void fill_batch(std::uint64_t number) {
        const bool with_labels = std::any_of(stages.begin(), stages.end(),
                                             [](const CompiledStage& stage) { return stage.reads_labels; });
        arena.for_each_thread([&](std::size_t thread) {
            if (with_labels)
                batches.fill_part(number, thread, arena.threads(), batch.images, batch.labels);
            else
                batches.fill_part(number, thread, arena.threads(), batch.images);
        });
        if (exact_batch) {
            std::copy(batch.images.begin(), batch.images.end(), exact_batch->images.begin());
            std::copy(batch.labels.begin(), batch.labels.end(), exact_batch->labels.begin());
        }
        filled_batch = number;
    }

    /// Images want the next batch, labels alone the last one.
    void provide_batch(const CompiledStage& stage) {
        if (stage.reads_images)
            fill_batch(state.at.batch++);
        else if (const std::uint64_t last = std::max<std::uint64_t>(state.at.batch, 1) - 1;
                 stage.reads_labels && filled_batch != last)
            fill_batch(last);
    }

    void run(std::vector<CompiledStage>& all) {
        for (const Scheduled& each : scheduled)
            each.variable.fill(static_cast<float>(each.schedule(state.at.step)));
        for (CompiledStage& stage : all) {
            // Phases of other stages may share the optimizer.
            for (const Phase* phase : stage.phases)
                if (phase->rate) phase->optimizer->set_rate(phase->rate(state.at.step));
            const auto due =
                std::find_if(stage.programs.begin(), stage.programs.end(), [&](const StageProgram& program) {
                    return std::all_of(
                        stage.intervals.begin(), stage.intervals.end(), [&](std::size_t every) {
                            const bool out = std::find(program.left_out.begin(), program.left_out.end(),
                                                       every) != program.left_out.end();
                            return out == (state.at.step % every != 0);
                        });
                });
            const std::uint64_t repeats = stage.repeats();
            for (std::uint64_t i = 0; i < repeats; ++i) {
                provide_batch(stage);
                due->program->run(state.at.draw++);
            }
            for (const auto& [fetch, place] : due->metrics) values[place] = due->program->fetched(fetch);
        }
        ++state.at.step;
        for (const CompiledStage& stage : all)
            if (stage.rule) stage.rule->see({state.at.step, names, values});
    }

    /// Repeats the steps since the snapshot up to the one that failed, looking at every node, and says what
    /// it finds.
    std::string diagnose(const std::string& found) {
        const std::uint64_t step = state.at.step;
        std::vector<CompiledStage> scanned;
        for (const Stage& stage : training.stages) scanned.push_back(compile_stage(stage, true));
        snapshot->put_back();
        std::string message = fmt::format("step {}: {}", step + 1, found);
        try {
            while (state.at.step <= step) run(scanned);
        } catch (const NonFiniteError& error) {
            message = fmt::format("step {}: {}", state.at.step + 1, error.what());
        }
        snapshot->put_back();
        return message;
    }

    template <class Action>
    void go_back_if_it_fails(Action&& action) {
        try {
            action();
        } catch (const NonFiniteError& error) {
            throw NonFiniteError(diagnose(error.what()));
        } catch (...) {
            snapshot->put_back();
            throw;
        }
    }

    Training training;
    TrainerOptions options;
    Batches batches;
    FedBatch<float> batch;
    std::optional<FedBatch<double>> exact_batch;  ///< its copy, if programs are in float64
    std::uint64_t filled_batch = ~std::uint64_t{0};
    Arena arena;
    State state;
    std::vector<Scheduled> weights, scheduled;
    std::vector<Variable> updated;
    std::vector<CompiledStage> stages;
    std::vector<std::string> names;
    std::vector<double> values;
    std::vector<std::size_t> stage_of;
    std::unique_ptr<Snapshot> snapshot;
    std::uint64_t restored = 0;  ///< State::restored of which there is a snapshot
};

Trainer::Trainer(Training training, std::shared_ptr<const Dataset> data, const TrainerOptions& options) {
    if (!data) throw Error("a training needs images: the data set is null");
    check(training, *data);
    check_labels(training.images, *data);
    parts_ = std::make_unique<Parts>(std::move(training), std::move(data), options);
}

Trainer::~Trainer() = default;
Trainer::Trainer(Trainer&&) noexcept = default;
Trainer& Trainer::operator=(Trainer&&) noexcept = default;

Record Trainer::step() & {
    Parts& parts = *parts_;
    parts.go_back_if_it_fails([&] {
        if (parts.state.at.step % steps_between_snapshots == 0 || parts.state.restored() != parts.restored)
            parts.snapshot->take();
        if (!parts.snapshot->held()) parts.restored = parts.state.restored();
        parts.run(parts.stages);
    });
    return record();
}

Snapshot& Trainer::take_snapshot() {
    parts_->go_back_if_it_fails([&] { parts_->snapshot->take(); });
    return *parts_->snapshot;
}

State& Trainer::state() {
    return parts_->state;
}
const State& Trainer::state() const {
    return parts_->state;
}
const Snapshot& Trainer::snapshot() const {
    return *parts_->snapshot;
}

std::string Trainer::fingerprint() const {
    std::string all;
    for (const auto& [name, program] : programs())
        all += fmt::format("{}{:016x}", all.empty() ? "" : "-", program->report().fingerprint);
    return all;
}
const Training& Trainer::training() const {
    return parts_->training;
}
const Arena& Trainer::arena() const {
    return parts_->arena;
}

Record Trainer::record() const {
    return {parts_->state.at.step, parts_->names, parts_->values};
}

void Trainer::set_record(std::span<const double> values) {
    if (values.size() != parts_->values.size())
        throw Error(
            fmt::format("{} values of metrics; the training has {}", values.size(), parts_->values.size()));
    std::copy(values.begin(), values.end(), parts_->values.begin());
}

void Trainer::add_metric(const std::string& name) {
    if (record().has(name)) throw Error(fmt::format("two metrics are called \"{}\"", name));
    parts_->names.push_back(name);
    parts_->values.push_back(std::numeric_limits<double>::quiet_NaN());
}

void Trainer::set_metric(std::string_view name, double value) {
    static_cast<void>(record()[name]);
    const auto known = std::find(parts_->names.begin(), parts_->names.end(), name);
    parts_->values[static_cast<std::size_t>(known - parts_->names.begin())] = value;
}

std::uint64_t Trainer::images_shown() const {
    const bool changes = std::any_of(parts_->stages.begin(), parts_->stages.end(),
                                     [](const auto& stage) { return stage.rule != nullptr; });
    return changes ? parts_->state.at.batch * parts_->training.batch
                   : parts_->state.at.step * images_per_step();
}

std::uint64_t Trainer::images_per_step() const {
    std::uint64_t batches = 0;
    for (const CompiledStage& stage : parts_->stages) batches += stage.reads_images ? stage.repeats() : 0;
    return parts_->training.batch * batches;
}

std::uint64_t Trainer::steps_for_epochs(std::uint64_t epochs) const {
    const std::uint64_t batches = parts_->batches.steps_for_epochs(epochs),
                        count = images_per_step() / parts_->training.batch;
    if (count == 0) throw Error("epochs: a step of this training shows no image");
    return ceil_divide(batches, count);
}

void Trainer::set_profiled(bool profiled) {
    for (CompiledStage& stage : parts_->stages)
        for (StageProgram& program : stage.programs) program.program->set_profiled(profiled);
}

std::vector<std::pair<std::string, const StepProgram*>> Trainer::programs() const {
    std::vector<std::pair<std::string, const StepProgram*>> all;
    for (std::size_t i = 0; i < parts_->stages.size(); ++i)
        for (const StageProgram& program : parts_->stages[i].programs)
            all.emplace_back(
                fmt::format("{}{}", fmt::join(parts_->training.stages[i].phases, " and "),
                            program.left_out.empty() ? std::string()
                                                     : fmt::format(", without terms of every {} steps",
                                                                   fmt::join(program.left_out, " and "))),
                program.program.get());
    return all;
}

}  // namespace duet::models
