#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <xtensor/xarray.hpp>

#include <duet/data/load_images.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/sampler.hpp>

#include "arguments.hpp"
#include "commands.hpp"
#include "interrupt.hpp"
#include "model_file.hpp"
#include "progress.hpp"
#include "run_folder.hpp"
#include "trace.hpp"

namespace duet::tools {

namespace {

constexpr std::uint64_t max_steps = 1'000'000'000'000;
constexpr std::uint64_t max_epochs = 1'000'000'000;
constexpr std::uint64_t default_sample_pictures = 10;
constexpr std::uint64_t profiled_steps = 20;
constexpr std::size_t most_class_rows = 32;

struct TrainArguments {
    TrainingArguments training;
    std::string data;
    std::string init;
    std::string out;
    std::string profile;
    std::uint64_t steps = 20'000;
    std::uint64_t epochs = 0;
    std::uint64_t sample_every = 0;
    std::uint64_t log_every = 100;
    std::optional<models::ModelKind> model_given;
};

const char* normalization_of(const models::GanShape& shape) {
    const bool convolutional =
        shape.kind == models::ModelKind::dcgan || shape.kind == models::ModelKind::cgan;
    return convolutional && shape.discriminator_batch_norm ? "batch" : "none";
}

std::string config_of(const TrainArguments& arguments, const models::GanShape& shape) {
    const TrainingArguments& training = arguments.training;
    const models::TrainingOptions& options = training.options;
    nlohmann::ordered_json config;
    config["duet"] = DUET_VERSION;
    config["data"] = arguments.data;
    config["model"] = models::name_of(shape.kind);
    config["generator_widths"] = shape.generator_widths;
    config["discriminator_widths"] = shape.discriminator_widths;
    config["discriminator_normalization"] = normalization_of(shape);
    config["image"] = {shape.height, shape.width};
    config["channels"] = shape.channels;
    config["classes"] = shape.classes;
    config["init"] = arguments.init;
    config["steps"] = arguments.steps;
    config["epochs"] = arguments.epochs;
    config["batch"] = options.batch;
    config["seed"] = options.seed;
    config["threads"] = options.threads;
    config["preset"] = training.preset;
    config["loss"] = options.loss;
    config["schedule"] = models::name_of(options.schedule);
    config["discriminator_steps"] = options.discriminator_steps;
    config["penalty"] = models::name_of(options.penalty);
    config["penalty_weight"] = options.penalty_weight;
    config["rate"] = options.adam.rate;
    config["beta1"] = options.adam.beta1;
    config["beta2"] = options.adam.beta2;
    config["epsilon"] = options.adam.epsilon;
    config["sample_every"] = arguments.sample_every;
    config["log_every"] = arguments.log_every;
    constexpr int indent = 4;
    return config.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

/// A training and the folder that it fills.
class Session {
 public:
    Session(models::Trainer& trainer, const models::GanModel& model, RunFolder& folder,
            const TrainArguments& arguments)
        : trainer_(trainer),
          model_(model),
          folder_(folder),
          arguments_(arguments),
          sampler_(model, arguments.training.options.seed, trainer.arena()) {}

    /// Trains to the end, or to an interruption.
    void run() {
        draw_samples();
        const std::uint64_t profile_from =
            arguments_.profile.empty() ? arguments_.steps
                                       : arguments_.steps - std::min(arguments_.steps, profiled_steps);
        Progress progress(arguments_.steps, trainer_.images_per_step());
        while (trainer_.state().at.step < arguments_.steps && !interrupt_.requested()) {
            if (trainer_.state().at.step == profile_from) trainer_.set_profiled(true);
            const models::Record record = finite([&] { return trainer_.step(); });
            if (record.step > profile_from) trace_.add(record.step, trainer_);
            progress.see(record);
            const bool last = record.step == arguments_.steps || interrupt_.requested();
            if (record.step % arguments_.log_every == 0 || last) folder_.see(record);
            if (record.step % arguments_.sample_every == 0 || last) {
                draw_samples();
                folder_.write_metrics(true);
            }
        }
        progress.finish();
        finite([&] { trainer_.check_finite(); });
        folder_.write_metrics();
        folder_.write_weights(model_);
        folder_.write_progress();
        if (!arguments_.profile.empty()) trace_.write(arguments_.profile);
        const bool interrupted = trainer_.state().at.step < arguments_.steps;
        fmt::print(
            "{} after {} of {} steps: {} holds the weights, metrics.csv, samples and progress.gif are beside "
            "it\n",
            interrupted ? "interrupted" : "finished", trainer_.state().at.step, arguments_.steps,
            folder_.weights_path().string());
    }

 private:
    /// Where a value is not finite, keeps what the trainer went back to before passing the error on.
    template <class Action>
    auto finite(Action&& action) -> decltype(action()) {
        try {
            return action();
        } catch (const NonFiniteError& error) {
            folder_.write_metrics();
            folder_.write_weights(model_);
            throw NonFiniteError(fmt::format("{}; {} holds the weights of step {}", error.what(),
                                             folder_.weights_path().string(), trainer_.state().at.step));
        }
    }

    /// A conditional model's picture has a row a class.
    void draw_samples() {
        const models::GanShape& shape = model_.shape;
        const std::size_t count =
            shape.classes == 0 ? sample_count : sample_columns * std::min(shape.classes, most_class_rows);
        folder_.write_samples(trainer_.state().at.step,
                              sampler_.draw(count, class_rows(count, sample_columns, shape.classes)), shape);
    }

    models::Trainer& trainer_;
    const models::GanModel& model_;
    RunFolder& folder_;
    const TrainArguments& arguments_;
    models::Sampler sampler_;
    Trace trace_;
    Interrupt interrupt_;
};

models::GanModel new_model(const TrainArguments& arguments, const Dataset& data) {
    const TrainingArguments& training = arguments.training;
    const std::size_t classes = data.classes();
    if (training.model == "cgan" && classes == 0)
        throw Error(fmt::format("{}: the images have no labels, which --model cgan needs", arguments.data));
    return models::make_gan(training.shape(data.height, data.width, data.channels, classes),
                            training.options.seed);
}

void train(TrainArguments& arguments) {
    const TrainingArguments& training = arguments.training;
    const auto data = std::make_shared<const Dataset>(load_images(arguments.data, Split::train));
    const models::GanModel model = arguments.init.empty()
                                       ? new_model(arguments, *data)
                                       : load_model(arguments.init, arguments.model_given, data.get());
    models::Trainer trainer = models::gan_trainer(model, training.options, data);
    warn_of_threads(training.options.threads, trainer.arena().threads());
    if (arguments.epochs > 0)
        arguments.steps = std::min(trainer.steps_for_epochs(arguments.epochs), max_steps);
    if (arguments.sample_every == 0)
        arguments.sample_every = std::max<std::uint64_t>(1, arguments.steps / default_sample_pictures);
    RunFolder folder(arguments.out, config_of(arguments, model.shape));
    Session(trainer, model, folder, arguments).run();
}

}  // namespace

void add_train_command(CLI::App& app) {
    CLI::App* command = app.add_subcommand("train", "Train a GAN on a folder of images.");
    auto arguments = std::make_shared<TrainArguments>();
    command
        ->add_option(
            "--data", arguments->data,
            "Folder of images: IDX files as MNIST's, CIFAR-10's binary files, PNG files of one size, or a "
            "folder of PNG files for each class")
        ->required()
        ->check(path_name())
        ->type_name("DIR");
    command
        ->add_option("--out", arguments->out,
                     "Folder for weights.safetensors, metrics.csv, config.json, samples/ and progress.gif; "
                     "an earlier run's files there are replaced")
        ->required()
        ->check(path_name())
        ->type_name("DIR");
    CLI::Option* steps =
        command->add_option("--steps", arguments->steps, "Steps of the schedule to train for")
            ->transform(whole_number(1, max_steps))
            ->type_name("N")
            ->capture_default_str();
    command
        ->add_option("--epochs", arguments->epochs,
                     "Train until the images were shown this often, instead of --steps")
        ->transform(whole_number(1, max_epochs))
        ->type_name("E")
        ->excludes(steps);
    arguments->training.add_to(*command);
    command
        ->add_option(
            "--init", arguments->init,
            "Start from the weights in this safetensors file; one without metadata, such as PyTorch's, needs "
            "--model")
        ->check(path_name())
        ->type_name("FILE")
        ->excludes("--generator-widths")
        ->excludes("--discriminator-widths")
        ->excludes("--classes");
    command
        ->add_option("--sample-every", arguments->sample_every,
                     "Steps between sample pictures (default: a tenth of all steps)")
        ->transform(whole_number(1, max_steps))
        ->type_name("N");
    command->add_option("--log-every", arguments->log_every, "Steps between rows of metrics.csv")
        ->transform(whole_number(1, max_steps))
        ->type_name("N")
        ->capture_default_str();
    command
        ->add_option("--profile", arguments->profile,
                     "Write when each instruction of the last 20 steps ran, for chrome://tracing or Perfetto")
        ->check(path_name())
        ->type_name("FILE.json");
    command->footer("Ctrl-C ends after the step at hand and keeps what was trained.");
    command->callback([arguments, command] {
        if (command->count("--model") > 0)
            arguments->model_given = models::model_kind_by_name(arguments->training.model);
        arguments->training.resolve(*command);
        train(*arguments);
    });
}

}  // namespace duet::tools
