#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <xtensor/xarray.hpp>

#include <duet/data/load_images.hpp>
#include <duet/data/sha256.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/training/recipe.hpp>
#include <duet/models/training/trainer.hpp>
#include <duet/models/weights.hpp>

#include "checkpoints.hpp"
#include "command.hpp"
#include "commands.hpp"
#include "metrics_table.hpp"
#include "numbers.hpp"
#include "output.hpp"
#include "provenance.hpp"
#include "weights_file.hpp"

namespace duet::tools {

namespace {

namespace fs = std::filesystem;

struct VerifyArguments {
    std::string run;
    bool rerun = false;
    std::size_t threads = 1;
};

/// Thrown where a run is not what it says: neither the user's nor the machine's fault.
class Mismatch : public std::runtime_error {
 public:
    using std::runtime_error::runtime_error;
};

std::vector<ArrayView> views_of(const Safetensors& file) {
    std::vector<ArrayView> views;
    views.reserve(file.tensors.size());
    for (const NamedArray& tensor : file.tensors) views.push_back({tensor.name, &tensor.value});
    return views;
}

/// Compares what is there with the hashes of run.json; the images are compared where the recipe is.
void check_hashes(const fs::path& run) {
    const nlohmann::json json = read_provenance(run);
    const auto hashes = json.find("sha256");
    if (hashes == json.end() || !hashes->is_object())
        throw FileError(
            fmt::format("{}: holds no hashes: the run has not ended", (run / "run.json").string()));
    const auto steps = checkpoint_steps(run / "checkpoints");
    std::size_t wrong = 0;
    for (const auto& [name, wanted] : hashes->items()) {
        std::string found;
        if (name == "state" && !steps.empty())
            found = sha256(
                views_of(models::read_checkpoint(checkpoint_path(run / "checkpoints", steps.back())).state));
        else if (name != "state")
            found = sha256_of_file(run / fs::path(name).filename());
        const bool same = wanted.is_string() && wanted.get<std::string>() == found;
        fmt::print("{:<20} {}\n", name_for_message(name),
                   same            ? "same"
                   : found.empty() ? "missing"
                                   : "differs");
        wrong += same ? 0 : 1;
    }
    if (wrong > 0)
        throw Mismatch(fmt::format("{}: {} of its parts are not what run.json says", run.string(), wrong));
}

/// The first variable whose bits differ.
std::optional<std::string> first_difference(const models::State& state, const Safetensors& kept) {
    for (const Variable& variable : state.variables()) {
        const Array* other = kept.find(variable.name());
        if (other == nullptr || other->size() != variable.value().size() ||
            !std::equal(other->data(), other->data() + other->size(), variable.data()))
            return variable.name();
    }
    return std::nullopt;
}

/// The first metric that differs from its row, of the nine digits that a row has.
std::optional<std::string> first_difference(const models::Record& record, const MetricsTable& table,
                                            std::size_t row) {
    for (std::size_t i = 0; i < record.names.size(); ++i) {
        const std::vector<double>* column = table.find(record.names[i]);
        if (column == nullptr ||
            fmt::format("{:.9g}", (*column)[row]) != fmt::format("{:.9g}", record.values[i]))
            return record.names[i];
    }
    return std::nullopt;
}

void train_again(const fs::path& run, const Spec& recipe, std::shared_ptr<const Dataset> data,
                 std::size_t threads) {
    const models::Catalogue catalogue = models::standard_catalogue();
    const models::Model model = models::model_of(catalogue, recipe);
    std::optional<WeightsFile> init;
    if (recipe.has("init.path")) {
        init = read_weights(recipe.text("init.path"), recipe.text("model"), data.get());
        if (init->sha256 != recipe.text("init.sha256"))
            throw FileError(fmt::format("{}: is not the file that the run started from: its hash differs",
                                        init->path.string()));
        models::load_weights(model, init->contents, init->path);
    }
    models::Trainer trainer(models::training_of(catalogue, recipe, model), std::move(data),
                            {.threads = threads});
    if (init)
        if (const auto stood = models::position_in(init->contents, init->path)) {
            trainer.state().at.draw = stood->draw;
            trainer.state().at.batch = stood->batch;
        }
    const fs::path folder = run / "checkpoints";
    const std::vector<std::uint64_t> kept = checkpoint_steps(folder);
    if (kept.empty()) throw FileError(fmt::format("{}: holds no checkpoint to compare with", run.string()));
    const MetricsTable table = read_metrics(run / "metrics.csv");
    const std::vector<double>* steps = table.find("step");
    std::size_t row = 0, rows = 0;
    while (trainer.state().at.step < kept.back()) {
        const models::Record record = trainer.step();
        if (steps != nullptr && row < table.rows() && (*steps)[row] == static_cast<double>(record.step)) {
            if (const auto name = first_difference(record, table, row))
                throw Mismatch(
                    fmt::format("differs at step {} or before: the metric {}", record.step, *name));
            ++row;
            ++rows;
        }
        if (!std::binary_search(kept.begin(), kept.end(), record.step)) continue;
        const models::Checkpoint checkpoint = models::read_checkpoint(checkpoint_path(folder, record.step));
        if (const auto name = first_difference(trainer.state(), checkpoint.state))
            throw Mismatch(fmt::format("differs at step {} or before: the variable {}", record.step, *name));
    }
    fmt::print("trained again        same: {} steps, {} rows of metrics, {} checkpoints\n", kept.back(), rows,
               kept.size());
}

void verify_run(const VerifyArguments& arguments) {
    const fs::path run = arguments.run;
    if (!is_run(run)) throw FileError(fmt::format("{}: not the folder of a run", run.string()));
    if (is_running(run)) throw Error(fmt::format("{}: is still being trained", run.string()));
    const Spec recipe = recipe_of(run);
    const auto data = std::make_shared<const Dataset>(load_images(recipe.text("data.path"), Split::train));
    const bool same = sha256(*data) == recipe.text("data.sha256");
    fmt::print("{:<20} {}\n", "data", same ? "same" : "differs");
    if (!same)
        throw Mismatch(fmt::format("{}: the images in {} are not those of the run", run.string(),
                                   recipe.text("data.path")));
    check_hashes(run);
    flush_output();
    if (arguments.rerun) train_again(run, recipe, data, arguments.threads);
}

}  // namespace

void add_verify_command(CLI::App& app) {
    Command command(app, "verify", "Check that a run is what its run.json says.");
    auto arguments = std::make_shared<VerifyArguments>();
    command.option("run", arguments->run, "The folder of a run that has ended")
        .required()
        .takes("DIR", any_text());
    command.flag("--rerun", arguments->rerun,
                 "Train again and compare: the state at each checkpoint, and each row of the metrics");
    add_threads_option(command, arguments->threads);
    command.footer("Exits with 1 where something differs, and says what and, of a rerun, at which step.");
    command.runs([arguments] { verify_run(*arguments); });
}

}  // namespace duet::tools
