#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xtensor/xarray.hpp>

#include <duet/data/duration.hpp>
#include <duet/data/file.hpp>
#include <duet/data/load_images.hpp>
#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/weights.hpp>

#include "checkpoints.hpp"
#include "command.hpp"
#include "commands.hpp"
#include "continuation.hpp"
#include "flags.hpp"
#include "interrupt.hpp"
#include "measurement.hpp"
#include "numbers.hpp"
#include "output.hpp"
#include "output_path.hpp"
#include "provenance.hpp"
#include "run_folder.hpp"
#include "session.hpp"
#include "summary.hpp"
#include "weights_file.hpp"

namespace duet::tools {

namespace {

struct TrainArguments {
    RecipeOptions recipe;
    std::string out;
    std::string profile;
    std::string time_limit;
    std::size_t threads = 1;
    bool restart = false;
    bool quiet = false;
    bool verbose = false;
    bool print_recipe = false;
};

/// The recipe with everything written out, and what it needs.
struct Prepared {
    Spec recipe;
    std::shared_ptr<const Dataset> data;
    std::optional<WeightsFile> init;
};

void set_path(Spec& recipe, const std::string& key) {
    const Value& given = *recipe.find(key);
    recipe.set(key, {std::filesystem::absolute(std::get<std::string>(given.is)).lexically_normal().string(),
                     given.from});
}

/// The recipe of the run that is to go on, if there is one with checkpoints.
std::optional<Spec> kept_recipe(const models::Catalogue& catalogue, const TrainArguments& arguments) {
    const std::filesystem::path run = arguments.out, checkpoints = run / "checkpoints";
    if (arguments.out.empty() || arguments.restart || !is_run(run) || checkpoint_steps(checkpoints).empty())
        return std::nullopt;
    try {
        return recipe_of(run);
    } catch (const FileError&) {  // a checkpoint carries it as well
        const auto newest = newest_checkpoint(checkpoints, [](const std::string&) {});
        return newest ? std::optional(recipe_in(catalogue, *newest)) : std::nullopt;
    }
}

/// Whether a run that goes on started from this file, which it then needs no more.
bool started_from(const std::optional<Spec>& kept, const std::string& file) {
    return kept && kept->has("init.path") &&
           std::filesystem::path(kept->text("init.path")) ==
               std::filesystem::absolute(file).lexically_normal();
}

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
    const std::optional<Spec> kept = kept_recipe(catalogue, arguments);
    if (const Value* init = recipe.find("init.path"); init != nullptr) {
        const std::string file = std::get<std::string>(init->is);
        std::string hash;
        if (started_from(kept, file)) {
            hash = kept->text("init.sha256");
            recipe = arguments.recipe.layered(catalogue, models::model_layer(*kept));
        } else {
            prepared.init = read_weights(file, arguments.recipe.model(), prepared.data.get());
            hash = prepared.init->sha256;
            recipe = arguments.recipe.layered(catalogue, prepared.init->layer);
        }
        set_path(recipe, "init.path");
        const Value* wanted = recipe.find("init.sha256");
        if (wanted == nullptr)
            recipe.set("init.sha256", {hash, "init"});
        else if (std::get<std::string>(wanted->is) != hash)
            throw Error(
                fmt::format("{}: init.sha256: {} has another hash, {}: it is not the file of the recipe",
                            wanted->from, file, hash));
    }
    set_path(recipe, "data.path");
    recipe = models::fitted(catalogue, recipe, *prepared.data);
    if (recipe.whole("output.sample_every") == 0) {
        const std::size_t every =
            kept ? kept->whole("output.sample_every")
                 : std::max<std::size_t>(1, recipe.whole("steps") / default_sample_pictures);
        recipe.set("output.sample_every", {static_cast<std::int64_t>(every),
                                           kept ? "the run that goes on" : "a tenth of all steps"});
    }
    prepared.recipe = std::move(recipe);
    return prepared;
}

/// Moves the run in --out aside, and leaves an empty folder, which links lead to. What the new run starts
/// from may be in the old one.
void move_old_run(const TrainArguments& arguments, Spec& recipe, std::uint64_t state_bytes) {
    namespace fs = std::filesystem;
    const fs::path run = fs::canonical(arguments.out);
    check_space(run.parent_path(), state_bytes);
    fs::path init;
    if (recipe.has("init.path")) init = fs::weakly_canonical(recipe.text("init.path"));
    const fs::path moved = move_aside(run);
    make_folder(run);
    say(fmt::format("the old run is kept in {}\n", moved.string()));
    const fs::path below = init.lexically_relative(run);
    if (!below.empty() && *below.begin() != "..")
        recipe.set("init.path", {(moved / below).string(), recipe.find("init.path")->from});
}

/// The folder of the run: one of this training, or a new one.
RunFolder open_folder(const TrainArguments& arguments, Spec& recipe, const models::Catalogue& catalogue,
                      std::uint64_t state_bytes) {
    std::filesystem::path path = arguments.out;
    if (path.empty() || !is_run(path)) check_space(path.empty() ? "runs" : path, state_bytes);
    if (path.empty()) {
        const std::string& preset = arguments.recipe.preset();
        path = make_next_folder(std::filesystem::path("runs") /
                                (preset.empty() ? recipe.text("model") : preset));
        say(fmt::format("run         {}\n", path.string()));
    } else if (arguments.restart && is_run(path)) {
        move_old_run(arguments, recipe, state_bytes);
    }
    RunFolder folder(path);
    if (std::filesystem::exists(folder.recipe()) && checkpoint_steps(folder.checkpoints()).empty())
        check_same_training(catalogue, recipe_of(path), recipe, path);
    return folder;
}

/// What a run kept at its end is not begun anew, for lack of a checkpoint, without a word.
void check_nothing_is_lost(const RunFolder& folder) {
    std::error_code error;
    const std::string state = state_said(folder.path());
    if (!std::filesystem::exists(folder.weights(), error) || state == "failed" || state == "running") return;
    throw Error(fmt::format(
        "--out: {} holds a run that wrote its weights, and no checkpoint to go on from: --restart begins "
        "anew and keeps it aside, --init {} with another --out trains its weights further",
        folder.path().string(), quoted_for_shell(folder.weights().string())));
}

/// Draws and the place in the data go on from those of the file, so that nothing is seen a second time.
void start_from(const WeightsFile& file, models::Trainer& trainer) {
    models::Position& at = trainer.state().at;
    if (const auto stood = models::position_in(file.contents, file.path)) {
        at.draw = stood->draw;
        at.batch = stood->batch;
        say(fmt::format(
            "init        a new training from {}, after its {} steps; draws and data go on from there\n",
            file.path.string(), stood->step));
    } else {
        say(fmt::format(
            "init        a new training from {}, which does not say where its draws ended: they start "
            "from the seed\n",
            file.path.string()));
    }
    trainer.take_snapshot();
}

SessionOptions session_options(const TrainArguments& arguments) {
    SessionOptions options;
    options.profile = arguments.profile;
    if (!arguments.time_limit.empty()) {
        options.time_limit = seconds_of(arguments.time_limit);
        if (!options.time_limit)
            throw Error(fmt::format("--time-limit: {} is no time such as 90s, 50m or 1h30m",
                                    quoted_for_message(arguments.time_limit)));
    }
    options.verbosity = arguments.quiet     ? Verbosity::quiet
                        : arguments.verbose ? Verbosity::verbose
                                            : Verbosity::normal;
    return options;
}

void check_best(const models::Catalogue& catalogue, const Spec& recipe, const models::Trainer& trainer) {
    const Value* best = recipe.find("output.best");
    if (best == nullptr) return;
    const models::Record record = trainer.record();
    const std::string& name = std::get<std::string>(best->is);
    if (!record.has(name))
        throw Error(fmt::format("{}: output.best: no metric is called {}; there are {}", best->from,
                                value_for_message(*best), fmt::join(record.names, ", ")));
    const std::vector<std::string> kinds = catalogue.kinds("metric");
    if (std::find(kinds.begin(), kinds.end(), name) != kinds.end() &&
        std::get<models::MetricBuilder>(catalogue.row("metric", name).builder).better ==
            models::MetricBuilder::Better::higher)
        throw Error(
            fmt::format("{}: output.best: the lowest value is looked for, and {} is better the higher "
                        "it is: fid, kid and mind are better the lower they are",
                        best->from, name));
}

void train(const TrainArguments& arguments) {
    const models::Catalogue catalogue = models::standard_catalogue();
    const SessionOptions options = session_options(arguments);
    if (!arguments.out.empty()) {
        check_output_folder("--out", arguments.out);
        check_run_folder(arguments.out);
    } else if (arguments.restart) {
        throw Error("--restart: keeps the run in the folder of --out aside: name that");
    }
    const Prepared prepared = prepare(catalogue, arguments);
    Spec recipe = prepared.recipe;
    if (arguments.print_recipe) {
        fmt::print("{}", format_toml(recipe));
        return;
    }
    if (!arguments.profile.empty()) check_output_file("--profile", arguments.profile);
    const models::Model model = models::model_of(catalogue, recipe);
    check_memory(model);
    if (prepared.init) models::load_weights(model, prepared.init->contents, prepared.init->path);
    models::Trainer trainer(models::training_of(catalogue, recipe, model), prepared.data,
                            {.threads = arguments.threads});
    std::optional<Measurement> measurement;
    if (recipe.whole("evaluate.every") > 0)
        measurement.emplace(catalogue, recipe, prepared.data, model, trainer);
    check_best(catalogue, recipe, trainer);
    warn_of_threads(arguments.threads, trainer.arena().threads());
    if (recipe.whole("batch") > prepared.data->count)
        warn(fmt::format("a batch of {} shows some of the {} images more than once", recipe.whole("batch"),
                         prepared.data->count));
    for (const std::string& caution : models::cautions(recipe, model)) warn(caution);
    Interrupt interrupt;
    RunFolder folder = open_folder(arguments, recipe, catalogue, trainer.state().bytes());
    const std::uint64_t steps = recipe.whole("steps");
    const std::optional<models::Checkpoint> from = go_on(catalogue, recipe, folder, trainer, warn);
    const std::uint64_t step = trainer.state().at.step;
    if (finished_after(folder.path()) == steps) {
        say(fmt::format("{} holds this run, finished after {} of {} steps: nothing is left to do\n",
                        folder.path().string(), steps, steps));
        return;
    }
    if (!from) check_nothing_is_lost(folder);
    check_space(folder.path(), trainer.state().bytes());
    if (!from && prepared.init) start_from(*prepared.init, trainer);
    folder.remove_samples(
        [&](std::uint64_t of) {
            return of > step || (of == step && step % recipe.whole("output.sample_every") != 0);
        },
        warn);
    say(summary_of(recipe, model, trainer, *prepared.data));
    if (from) say(fmt::format("goes on     from step {}\n", step));
    Session(trainer, model, recipe, prepared.data->count, measurement ? &*measurement : nullptr, folder, from,
            interrupt, options)
        .run();
    interrupt.pass_on();
}

}  // namespace

void add_train_command(CLI::App& app) {
    Command command(app, "train", "Train a GAN on a folder of images.");
    auto arguments = std::make_shared<TrainArguments>();
    arguments->recipe.add_to(command);
    command.flag("--print-recipe", arguments->print_recipe, "Print the recipe, whole, and end")
        .group("What is trained");
    command
        .option(
            "--out", arguments->out,
            "Folder for weights.safetensors, checkpoints/, metrics.csv, recipe.toml, run.json, samples/ and "
            "progress.gif; the next free of runs/<preset or model>-<n> if not given. A run that is there "
            "goes on if it is of the same training, and is refused if not")
        .takes("DIR", any_text())
        .group("What it leaves");
    command.flag("--restart", arguments->restart, "Move the run in --out aside, and start anew")
        .group("What it leaves");
    command
        .option("--time-limit", arguments->time_limit,
                "Stop after this time, such as 50m, with a checkpoint to go on from")
        .takes("TIME", any_text())
        .group("Data and length");
    const Option quiet = command.flag("--quiet", arguments->quiet, "Say nothing on the way but warnings")
                             .group("What it says");
    command.flag("--verbose", arguments->verbose, "Print each row of metrics.csv")
        .group("What it says")
        .excludes(quiet);
    command
        .option("--profile", arguments->profile,
                "Write when each instruction of the last 20 steps ran, for chrome://tracing or Perfetto")
        .takes("FILE.json", any_text())
        .group("What it leaves");
    add_threads_option(command, arguments->threads);
    command.before_help([arguments] { arguments->recipe.describe(models::standard_catalogue()); });
    command.footer(
        "Ctrl-C ends after the step at hand and keeps what was trained; the same command\n"
        "goes on from there.\n"
        "  duet train --data data/mnist --out runs/first\n"
        "  duet train --preset wgan-gp --data data/mnist --epochs 30 --out runs/critic\n"
        "  duet train runs/first/recipe.toml --seed 1 --out runs/second\n"
        "`duet list` names everything that a recipe can be made of.");
    command.runs([arguments] { train(*arguments); });
}

}  // namespace duet::tools
