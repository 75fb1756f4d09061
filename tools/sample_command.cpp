#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/data/npy.hpp>
#include <duet/data/png.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/sampler.hpp>

#include "arguments.hpp"
#include "commands.hpp"
#include "model_file.hpp"

namespace duet::tools {

namespace {

constexpr std::uint64_t max_count = 1'000'000;
constexpr std::size_t grid_padding = 2;

struct SampleArguments {
    std::string weights;
    std::string model = "mlp";
    std::string out;
    std::size_t count = 64;
    std::size_t columns = 0;
    std::size_t threads = 1;
    std::uint64_t seed = 0;
    bool model_given = false;
};

void sample(const SampleArguments& arguments) {
    const std::filesystem::path out = arguments.out;
    const bool as_array = out.extension() == ".npy";
    if (!as_array && out.extension() != ".png")
        throw Error(fmt::format("--out: {}: the name must end in .png, for a picture, or .npy, for an array",
                                out.string()));
    const models::GanModel model = load_model(arguments.weights, arguments.model_given);
    const models::GanShape& shape = model.shape;
    models::Sampler sampler(model, arguments.seed, Arena(arguments.threads));
    Array images = sampler.draw(arguments.count);
    if (!std::all_of(images.data(), images.data() + images.size(),
                     [](float value) { return std::isfinite(value); }))
        throw Error(fmt::format("{}: the generator draws values that are not finite: its weights are damaged",
                                arguments.weights));
    if (as_array) {
        images.reshape({arguments.count, shape.height, shape.width});
        write_npy(out, images);
    } else {
        const auto square =
            static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(arguments.count))));
        write_png_grid(out, images, shape.height, shape.width,
                       arguments.columns == 0 ? square : arguments.columns, grid_padding);
    }
}

}  // namespace

void add_sample_command(CLI::App& app) {
    CLI::App* command = app.add_subcommand("sample", "Draw images from saved weights.");
    auto arguments = std::make_shared<SampleArguments>();
    command
        ->add_option("--weights", arguments->weights, "The weights.safetensors of a training, or PyTorch's")
        ->required()
        ->check(path_name())
        ->type_name("FILE");
    command
        ->add_option(
            "--out", arguments->out,
            "A name ending in .png for a grid of pictures, or in .npy for a NumPy array of shape (count, "
            "height, width) in [0, 1]")
        ->required()
        ->check(path_name())
        ->type_name("FILE");
    command->add_option("--count", arguments->count, "How many images")
        ->transform(whole_number(1, max_count))
        ->type_name("N")
        ->capture_default_str();
    command
        ->add_option("--seed", arguments->seed,
                     "Image i depends on weights, seed and i alone: 10 images are the first 10 of 1,000")
        ->transform(whole_number(0, std::numeric_limits<std::uint64_t>::max()))
        ->type_name("S")
        ->capture_default_str();
    command->add_option("--columns", arguments->columns, "Images in a row of the grid (default: a square)")
        ->transform(whole_number(1, max_count))
        ->type_name("C");
    command->add_option("--model", arguments->model, "Model, needed for weights without metadata: mlp")
        ->check(one_of({"mlp"}))
        ->type_name("NAME");
    add_threads_option(*command, arguments->threads);
    command->callback([arguments, command] {
        arguments->model_given = command->count("--model") > 0;
        sample(*arguments);
    });
}

}  // namespace duet::tools
