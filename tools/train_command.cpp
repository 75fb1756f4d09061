#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xtensor/xarray.hpp>

#include <duet/data/load_images.hpp>
#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/sampler.hpp>
#include <duet/models/weights.hpp>

#include "commands.hpp"
#include "flags.hpp"
#include "help.hpp"
#include "interrupt.hpp"
#include "numbers.hpp"
#include "output_path.hpp"
#include "progress.hpp"
#include "run_folder.hpp"
#include "summary.hpp"
#include "trace.hpp"
#include "weights_file.hpp"

namespace duet::tools {

namespace {

constexpr std::uint64_t profiled_steps = 20;
constexpr std::size_t most_class_rows = 32;

struct TrainArguments {
    RecipeOptions recipe;
    std::string init;
    std::string out;
    std::string profile;
    std::size_t threads = 1;
    bool print_recipe = false;
};

/// A training and the folder that it fills.
class Session {
 public:
    Session(models::Trainer& trainer, const models::Model& model, const Spec& recipe, RunFolder& folder,
            const std::string& profile)
        : trainer_(trainer),
          model_(model),
          recipe_(recipe),
          folder_(folder),
          profile_(profile),
          steps_(recipe.whole("steps")),
          sampler_(model, recipe.whole("seed"), trainer.arena()) {}

    /// Trains to the end, or to an interruption.
    void run() {
        draw_samples();
        const std::uint64_t profile_from =
            profile_.empty() ? steps_ : steps_ - std::min(steps_, profiled_steps);
        const std::uint64_t log_every = recipe_.whole("output.log_every"),
                            sample_every = recipe_.whole("output.sample_every");
        Progress progress(steps_, trainer_.images_per_step());
        while (step() < steps_ && !interrupt_.requested()) {
            if (step() == profile_from) trainer_.set_profiled(true);
            const models::Record record = finite([&] { return trainer_.step(); });
            if (record.step > profile_from) trace_.add(record.step, trainer_);
            progress.see(record);
            const bool last = record.step == steps_ || interrupt_.requested();
            if (record.step % log_every == 0 || last) folder_.see(record);
            if (record.step % sample_every == 0 || last) {
                draw_samples();
                folder_.write_metrics(true);
            }
        }
        progress.finish();
        finite([&] { trainer_.check_finite(); });
        folder_.write_metrics();
        write_weights();
        folder_.write_progress();
        if (!profile_.empty()) trace_.write(profile_);
        fmt::print(
            "{} after {} of {} steps: {} holds the weights, metrics.csv, samples and progress.gif are beside "
            "it\n",
            step() < steps_ ? "interrupted" : "finished", step(), steps_, folder_.weights_path().string());
    }

 private:
    std::uint64_t step() const { return trainer_.state().at.step; }

    void write_weights() {
        models::save_weights(model_, models::model_layer(recipe_), folder_.weights_path());
    }

    /// Where a value is not finite, keeps what the trainer went back to before passing the error on.
    template <class Action>
    auto finite(Action&& action) -> decltype(action()) {
        try {
            return action();
        } catch (const NonFiniteError& error) {
            folder_.write_metrics();
            write_weights();
            throw NonFiniteError(fmt::format("{}; {} holds the weights of step {}", error.what(),
                                             folder_.weights_path().string(), step()));
        }
    }

    /// A conditional model's picture has a row a class.
    void draw_samples() {
        const std::size_t classes = model_.images.classes;
        const std::size_t count =
            classes == 0 ? sample_count : sample_columns * std::min(classes, most_class_rows);
        folder_.write_samples(step(), sampler_.draw(count, class_rows(count, sample_columns, classes)),
                              model_.images);
    }

    models::Trainer& trainer_;
    const models::Model& model_;
    const Spec& recipe_;
    RunFolder& folder_;
    const std::string& profile_;
    std::uint64_t steps_;
    models::Sampler sampler_;
    Trace trace_;
    Interrupt interrupt_;
};

/// The recipe with everything written out, and what it needs.
struct Prepared {
    Spec recipe;
    std::shared_ptr<const Dataset> data;
    std::optional<WeightsFile> init;
};

Prepared prepare(const models::Catalogue& catalogue, const TrainArguments& arguments) {
    constexpr std::uint64_t default_sample_pictures = 10;
    const std::string missing = "--data: a folder of images is needed, or a recipe that names one";
    Prepared prepared;
    const auto load = [&](const Spec& recipe) {
        const Value* path = recipe.find("data.path");
        if (path == nullptr) throw Error(missing);
        prepared.data =
            std::make_shared<const Dataset>(load_images(std::get<std::string>(path->is), Split::train));
    };
    // Flags and recipe are checked before the images are read; what follows from a file's arrays, after.
    Spec recipe = arguments.recipe.layered(catalogue);
    arguments.recipe.note_repeats(recipe);
    load(recipe);
    if (!arguments.init.empty()) {
        prepared.init = read_weights(arguments.init, arguments.recipe.model(), prepared.data.get());
        recipe = arguments.recipe.layered(catalogue, prepared.init->layer);
    }
    const Value path = *recipe.find("data.path");
    recipe.set(
        "data.path",
        {std::filesystem::absolute(std::get<std::string>(path.is)).lexically_normal().string(), path.from});
    recipe = models::fitted(catalogue, recipe, *prepared.data);
    if (recipe.whole("output.sample_every") == 0)
        recipe.set("output.sample_every", {static_cast<std::int64_t>(std::max<std::uint64_t>(
                                               1, recipe.whole("steps") / default_sample_pictures)),
                                           "a tenth of all steps"});
    prepared.recipe = std::move(recipe);
    return prepared;
}

void train(const TrainArguments& arguments) {
    const models::Catalogue catalogue = models::standard_catalogue();
    const Prepared prepared = prepare(catalogue, arguments);
    const Spec& recipe = prepared.recipe;
    if (arguments.print_recipe) {
        fmt::print("{}", format_toml(recipe));
        return;
    }
    if (arguments.out.empty()) throw Error("--out: a folder for what the training leaves is needed");
    check_output_folder("--out", arguments.out);
    if (!arguments.profile.empty()) check_output_file("--profile", arguments.profile);
    const models::Model model = models::model_of(catalogue, recipe);
    check_memory(model);
    if (prepared.init) models::load_weights(model, prepared.init->contents, prepared.init->path);
    models::Trainer trainer(models::training_of(catalogue, recipe, model), prepared.data,
                            {.threads = arguments.threads});
    warn_of_threads(arguments.threads, trainer.arena().threads());
    if (recipe.whole("batch") > prepared.data->count)
        fmt::print(stderr, "duet: warning: a batch of {} shows some of the {} images more than once\n",
                   recipe.whole("batch"), prepared.data->count);
    RunFolder folder(arguments.out, format_toml(recipe));
    fmt::print("{}", summary_of(recipe, model, trainer, *prepared.data));
    std::fflush(stdout);
    Session(trainer, model, recipe, folder, arguments.profile).run();
}

}  // namespace

void add_train_command(CLI::App& app) {
    CLI::App* command = app.add_subcommand("train", "Train a GAN on a folder of images.");
    auto arguments = std::make_shared<TrainArguments>();
    arguments->recipe.add_to(*command);
    command
        ->add_option("--init", arguments->init,
                     "Start from the weights in this safetensors file, under its own model and settings; one "
                     "without metadata, such as PyTorch's, needs --model")
        ->check(path_name())
        ->type_name("FILE")
        ->group("What is trained");
    command->add_flag("--print-recipe", arguments->print_recipe, "Print the recipe, whole, and end")
        ->group("What is trained");
    command
        ->add_option("--out", arguments->out,
                     "Folder for weights.safetensors, metrics.csv, recipe.toml, samples/ and progress.gif; "
                     "an earlier run's files there are replaced")
        ->check(path_name())
        ->type_name("DIR")
        ->group("What it leaves");
    command
        ->add_option("--profile", arguments->profile,
                     "Write when each instruction of the last 20 steps ran, for chrome://tracing or Perfetto")
        ->check(path_name())
        ->type_name("FILE.json")
        ->group("What it leaves");
    add_threads_option(*command, arguments->threads);
    command->formatter(std::make_shared<Help>(
        [arguments] { arguments->recipe.describe_defaults(models::standard_catalogue()); }));
    command->footer(
        "Ctrl-C ends after the step at hand and keeps what was trained.\n"
        "  duet train --data data/mnist --out runs/first\n"
        "  duet train --preset wgan-gp --data data/mnist --epochs 30 --out runs/critic\n"
        "  duet train runs/first/recipe.toml --seed 1 --out runs/second\n"
        "`duet list` names everything that a recipe can be made of.");
    command->callback([arguments] { train(*arguments); });
}

}  // namespace duet::tools
