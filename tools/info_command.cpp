#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xtensor/xarray.hpp>

#include <duet/data/load_images.hpp>
#include <duet/data/sha256.hpp>
#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/training/checkpoint.hpp>
#include <duet/models/weights.hpp>

#include "checkpoints.hpp"
#include "command.hpp"
#include "commands.hpp"
#include "numbers.hpp"
#include "output.hpp"
#include "runs.hpp"
#include "status_line.hpp"
#include "weights_file.hpp"

namespace duet::tools {

namespace {

namespace fs = std::filesystem;

std::string line(std::string_view name, const std::string& text) {
    return fmt::format("{:<24} {}\n", one_line(name), one_line(text));
}

/// What a recipe says of its model, where it does.
std::string recipe_lines(const Spec& recipe) {
    std::string text;
    for (const char* path : {"model", "steps", "seed", "batch", "images.height", "images.width",
                             "images.channels", "images.classes", "data.path", "data.sha256", "init.path"})
        if (const Value* value = recipe.find(path)) text += line(path, format_toml_value(*value));
    for (const char* path : {"networks.generator", "networks.discriminator", "loss", "schedule",
                             "optimizers.generator", "optimizers.discriminator"})
        if (const Value* value = recipe.find(path))
            if (const Spec* spec = std::get_if<Spec>(&value->is)) text += line(path, spec->kind);
    return text;
}

std::string array_lines(const Safetensors& file) {
    std::size_t values = 0;
    for (const NamedArray& tensor : file.tensors) values += tensor.value.size();
    std::string text = line("arrays", fmt::format("{}, {} values", file.tensors.size(), values));
    for (const NamedArray& tensor : file.tensors)
        text += fmt::format("  {} ({})\n", quoted_for_message(tensor.name),
                            fmt::join(tensor.value.shape(), ", "));
    return text;
}

std::string arrays_info(const fs::path& path) {
    const Safetensors file = read_arrays(path);
    const bool checkpoint = models::is_checkpoint(file);
    std::string text;
    if (checkpoint) {
        const models::CheckpointNotes notes = models::read_checkpoint(path).notes;
        text = line("checkpoint", fmt::format("of Duet {}, after {} of training, whole by its CRC-32",
                                              notes.version, clock_text(notes.seconds)));
    } else {
        text = line("weights", path.string());
    }
    if (const auto at = models::position_in(file, path))
        text += line("step", fmt::format("{}; next draw {}, next batch {}", at->step, at->draw, at->batch));
    if (const auto layer = models::layer_in(file, path))
        text += recipe_lines(*layer);
    else
        text += line("model", "not said: other commands need --model");
    return text + array_lines(file);
}

std::string run_info(const fs::path& path) {
    const RunEntry run = read_run(path);
    std::string text =
        line("run", path.string()) + line("state", run.state) +
        line("steps", fmt::format("{} of {} in {}", run.step, run.steps, clock_text(run.seconds)));
    if (!run.started.empty()) text += line("started", run.started);
    for (const auto& [name, value] : run.metrics) text += line(name, fmt::format("{:.6g}", value));
    if (!run.problem.empty()) text += line("problem", run.problem);
    text += line("checkpoints", fmt::format("{}", fmt::join(checkpoint_steps(path / "checkpoints"), ", ")));
    std::error_code error;
    if (fs::exists(path / "recipe.toml", error)) text += recipe_lines(recipe_of(path));
    return text;
}

std::string data_info(const fs::path& path) {
    const Dataset data = load_images(path, Split::train);
    std::string text = line("images", fmt::format("{} of {}x{}, {} channel{}", data.count, data.height,
                                                  data.width, data.channels, data.channels == 1 ? "" : "s"));
    if (data.has_labels()) {
        std::vector<std::size_t> counts(data.classes());
        for (const auto label : data.labels)
            if (label < counts.size()) ++counts[label];
        text += line("classes", fmt::format("{}, with {} images", counts.size(), fmt::join(counts, ", ")));
        if (!data.class_names.empty())
            text += line("names", fmt::format("{}", fmt::join(data.class_names, ", ")));
    }
    return text + line("sha256", sha256(data));
}

std::string recipe_info(const fs::path& path) {
    const Spec recipe = read_toml(path);
    models::standard_catalogue().completed(recipe, "recipe", "", true);
    return line("recipe", path.string()) + recipe_lines(recipe);
}

std::string info_of(const fs::path& path) {
    std::error_code error;
    if (!fs::exists(path, error)) throw FileError(fmt::format("there is no {}", path.string()));
    if (fs::is_directory(path, error)) return is_run(path) ? run_info(path) : data_info(path);
    return path.extension() == ".toml" ? recipe_info(path) : arrays_info(path);
}

}  // namespace

void add_info_command(CLI::App& app) {
    Command command(app, "info",
                    "Say what a weights file, checkpoint, recipe, run or folder of images holds.");
    auto path = std::make_shared<std::string>();
    command.option("path", *path, "A file or a folder").required().takes("FILE|DIR", any_text());
    command.runs([path] { fmt::print("{}", info_of(*path)); });
}

}  // namespace duet::tools
