#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/data/npy.hpp>
#include <duet/data/png.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/sampler.hpp>
#include <duet/models/weights.hpp>

#include "checkpoints.hpp"
#include "command.hpp"
#include "commands.hpp"
#include "numbers.hpp"
#include "output_path.hpp"
#include "pictures.hpp"
#include "weights_file.hpp"

namespace duet::tools {

namespace {

constexpr std::uint64_t max_count = 1'000'000;
constexpr std::uint64_t max_interpolated = 1000;
constexpr std::size_t grid_padding = 2;
constexpr std::size_t default_count = 64, default_strips = 8, default_columns = 8;

struct SampleArguments {
    std::string weights;
    std::string model;
    std::string out;
    std::string latents;
    std::size_t count = 0;
    std::size_t columns = 0;
    std::size_t interpolate = 0;
    std::size_t label = 0;
    std::size_t scale = 0;
    std::size_t threads = 1;
    std::uint64_t seed = 0;
    bool label_given = false;
    bool raw = false;
};

/// What is drawn: images from latents, `columns` to a row of the grid.
struct Drawing {
    Array latents;
    Array images;
    std::size_t columns;
};

std::size_t columns_of(const SampleArguments& arguments, std::size_t count, std::size_t classes) {
    if (arguments.columns > 0) return arguments.columns;
    if (classes > 0 && !arguments.label_given) return default_columns;
    return static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(count))));
}

/// The labels of images in rows of `columns`: the class asked for, else a row a class.
std::vector<std::size_t> labels_of(const SampleArguments& arguments, std::size_t count, std::size_t columns,
                                   std::size_t classes) {
    if (arguments.label_given) return std::vector<std::size_t>(count, arguments.label);
    return class_rows(count, columns, classes);
}

Drawing draw_images(const SampleArguments& arguments, models::Sampler& sampler, std::size_t classes) {
    const bool class_grid = classes > 0 && !arguments.label_given;
    std::size_t count = arguments.count;
    if (count == 0) count = class_grid ? classes * columns_of(arguments, 0, classes) : default_count;
    const std::size_t columns = columns_of(arguments, count, classes);
    Array latents = sampler.latents(0, count);
    Array images = sampler.draw_at(latents, labels_of(arguments, count, columns, classes));
    return {std::move(latents), std::move(images), columns};
}

/// A row a strip, from image 2 r's latent to image 2 r + 1's.
Drawing draw_strips(const SampleArguments& arguments, models::Sampler& sampler, std::size_t latent,
                    std::size_t classes) {
    const std::size_t strips = arguments.count == 0 ? default_strips : arguments.count;
    const std::size_t columns = arguments.interpolate;
    const Array ends = sampler.latents(0, 2 * strips);
    Array points = filled(Shape{strips * columns, latent}, 0.0F);
    for (std::size_t strip = 0; strip < strips; ++strip) {
        const float* from = ends.data() + 2 * strip * latent;
        const Array arc = models::spherical_interpolation({from, latent}, {from + latent, latent}, columns);
        std::copy_n(arc.data(), arc.size(), points.data() + strip * arc.size());
    }
    Array images = sampler.draw_at(points, labels_of(arguments, strips * columns, columns, classes));
    return {std::move(points), std::move(images), columns};
}

void sample(const SampleArguments& arguments) {
    const std::filesystem::path out = arguments.out;
    const bool as_array = out.extension() == ".npy";
    if (!as_array && out.extension() != ".png")
        throw Error(fmt::format("--out: {}: the name must end in .png, for a picture, or .npy, for an array",
                                out.string()));
    check_output_file("--out", out);
    if (!arguments.latents.empty()) check_output_file("--latents", arguments.latents);
    const WeightsFile file =
        read_weights(weights_in(arguments.weights),
                     arguments.model.empty() ? std::nullopt : std::optional(arguments.model));
    const models::Model model = drawing_model(file, arguments.raw);
    const models::ImageFormat& format = model.images;
    if (arguments.label_given && arguments.label >= format.classes)
        throw Error(format.classes == 0
                        ? fmt::format("--class: the model in {} is not conditional", file.path.string())
                        : fmt::format("--class: {} is not a class of the model in {}: they are 0 to {}",
                                      arguments.label, file.path.string(), format.classes - 1));
    const Arena arena(arguments.threads);
    warn_of_threads(arguments.threads, arena.threads());
    models::Sampler sampler(model, arguments.seed, arena);
    Drawing drawing = arguments.interpolate > 0
                          ? draw_strips(arguments, sampler, model.latent, format.classes)
                          : draw_images(arguments, sampler, format.classes);
    Array& images = drawing.images;
    if (!std::all_of(images.data(), images.data() + images.size(),
                     [](float value) { return std::isfinite(value); }))
        throw Error(fmt::format("{}: the generator draws values that are not finite: its weights are damaged",
                                file.path.string()));
    if (!arguments.latents.empty()) write_npy(arguments.latents, drawing.latents);
    if (as_array) {
        if (format.channels == 1) images.reshape({images.shape()[0], format.height, format.width});
        write_npy(out, images);
    } else {
        const Image grid = tile_grid(images, format.height, format.width, drawing.columns, grid_padding);
        write_png(out, scaled(grid, arguments.scale), picture_texts(arguments.seed, {}, file.sha256));
    }
}

}  // namespace

void add_sample_command(CLI::App& app) {
    Command command(app, "sample", "Draw images from saved weights.");
    auto arguments = std::make_shared<SampleArguments>();
    command
        .option("--weights", arguments->weights,
                "The folder of a training, its weights.safetensors, or PyTorch's; or a .npz")
        .required()
        .takes("FILE|RUN", any_text());
    command
        .option("--out", arguments->out,
                "A name ending in .png for a grid of pictures, or in .npy for a NumPy array of shape (count, "
                "height, width), or (count, 3, height, width) of colour, in [0, 1]")
        .required()
        .takes("FILE", any_text());
    command
        .option("--count", arguments->count,
                "How many images (default: 64; a row of 8 for each class of a conditional model), or "
                "strips of --interpolate (default: 8)")
        .takes("N", whole_number(1, max_count));
    const Option columns =
        command
            .option("--columns", arguments->columns,
                    "Images in a row of the grid (default: a square; 8 where rows are classes)")
            .takes("C", whole_number(1, max_count));
    command
        .option("--interpolate", arguments->interpolate,
                "Draw strips of N images from one latent to another along a sphere, a strip a row")
        .takes("N", whole_number(2, max_interpolated))
        .excludes(columns);
    command
        .option("--class", arguments->label,
                "Draw this class alone (default: of a conditional model a row each)")
        .takes("K", whole_number(0, Dataset::max_classes - 1));
    command
        .option(
            "--seed", arguments->seed,
            "Image i depends on weights, seed, i and its class alone: 10 images are the first 10 of 1,000")
        .takes("S", whole_number(0, std::numeric_limits<std::uint64_t>::max()))
        .with_default();
    command
        .option("--latents", arguments->latents,
                "Also write the latents that the images are drawn from, a NumPy array (count, latent)")
        .takes("FILE.npy", any_text());
    command.option("--model", arguments->model, "Model, needed for weights without metadata, of perceptrons")
        .takes("NAME", one_of(models::preset_names()));
    command.flag("--raw", arguments->raw,
                 "Draw with the generator's weights as trained, where the file holds an average of them");
    add_scale_option(command, arguments->scale, "a grid about 600 pixels wide");
    add_threads_option(command, arguments->threads);
    command.runs([arguments, command] {
        arguments->label_given = command.given("--class");
        sample(*arguments);
    });
}

}  // namespace duet::tools
