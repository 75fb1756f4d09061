#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>

#include <duet/data/npz.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/onnx.hpp>
#include <duet/models/weights.hpp>

#include "checkpoints.hpp"
#include "command.hpp"
#include "commands.hpp"
#include "numbers.hpp"
#include "output_path.hpp"
#include "weights_file.hpp"

namespace duet::tools {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_images = 65536;

struct ExportArguments {
    std::string weights;
    std::string out;
    std::string network = "generator";
    std::string model;
    std::size_t batch = 0;
    bool average = false;
};

/// The arrays of a file with the generator's averaged weights in the place of those that were trained.
Safetensors averaged(Safetensors file, const fs::path& path) {
    const std::string prefix = "average.", of_generator = prefix + "generator.";
    Safetensors result;
    result.metadata = file.metadata;
    std::vector<std::string> replaced;
    for (const NamedArray& tensor : file.tensors)
        if (tensor.name.starts_with(of_generator)) replaced.push_back(tensor.name.substr(prefix.size()));
    if (replaced.empty())
        throw Error(fmt::format("--ema: {} holds no average of the generator's weights", path.string()));
    for (NamedArray& tensor : file.tensors) {
        if (std::find(replaced.begin(), replaced.end(), tensor.name) != replaced.end()) continue;
        if (tensor.name.starts_with(of_generator)) tensor.name.erase(0, prefix.size());
        result.tensors.push_back(std::move(tensor));
    }
    return result;
}

void export_onnx(const ExportArguments& arguments, const fs::path& weights) {
    const WeightsFile file =
        read_weights(weights, arguments.model.empty() ? std::nullopt : std::optional(arguments.model));
    const models::Model model =
        models::model_in(models::standard_catalogue(), file.layer, file.contents, file.path);
    if (arguments.average && model.average() == nullptr)
        throw Error(fmt::format("--ema: {} holds no average of the generator's weights", weights.string()));
    const Bytes bytes = models::encode_onnx(
        model, file.layer, arguments.average ? model.average()->name() : arguments.network,
        arguments.batch == 0 ? std::nullopt : std::optional(arguments.batch));
    write_file_atomically(arguments.out, std::as_bytes(std::span(bytes)));
}

void run_export(const ExportArguments& arguments, const Command& command) {
    const fs::path out = arguments.out;
    const std::string form = out.extension().string();
    if (form != ".onnx" && form != ".npz" && form != ".safetensors")
        throw Error(fmt::format("--out: {}: the name must end in .onnx, .npz or .safetensors", out.string()));
    for (const char* option : {"--network", "--batch", "--model"})
        if (form != ".onnx" && command.given(option))
            throw Error(fmt::format("{}: is for .onnx: {} takes all arrays as they are", option, form));
    if (arguments.average && arguments.network != "generator")
        throw Error("--ema: is of the generator: leave out --network");
    check_output_file("--out", out);
    const fs::path weights = weights_in(arguments.weights);
    if (form == ".onnx")
        export_onnx(arguments, weights);
    else {
        Safetensors arrays = read_arrays(weights);
        if (arguments.average) arrays = averaged(std::move(arrays), weights);
        if (form == ".npz")
            write_npz(out, arrays);
        else
            write_safetensors(out, arrays);
    }
}

}  // namespace

void add_export_command(CLI::App& app) {
    Command command(app, "export", "Write saved weights in a form that other programs read.");
    auto arguments = std::make_shared<ExportArguments>();
    command
        .option("WEIGHTS", arguments->weights,
                "A weights file, .safetensors or .npz, or the folder of a training")
        .required()
        .takes("FILE|DIR", any_text());
    command
        .option("--out", arguments->out,
                "A name ending in .onnx for one network as an ONNX model, with frozen statistics; in .npz "
                "for NumPy or .safetensors for PyTorch, with all arrays and the recipe")
        .required()
        .takes("FILE", any_text());
    command
        .option("--network", arguments->network,
                "Of .onnx: generator, from latent to images in [0, 1], or discriminator, from such "
                "images to scores; of conditional models also from labels")
        .takes("NAME", one_of({"generator", "discriminator"}))
        .with_default();
    command.flag("--ema", arguments->average,
                 "The average of the generator's weights, under the generator's name");
    command.option("--batch", arguments->batch, "Of .onnx: how many images at a time (default: any number)")
        .takes("N", whole_number(1, most_images));
    command
        .option("--model", arguments->model,
                "Of .onnx: the model, needed for weights without metadata, of perceptrons")
        .takes("NAME", one_of(models::preset_names()));
    command.runs([arguments, command] { run_export(*arguments, command); });
}

}  // namespace duet::tools
