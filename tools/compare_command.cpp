#include <algorithm>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <duet/data/png.hpp>
#include <duet/graph/error.hpp>

#include "commands.hpp"
#include "help.hpp"
#include "numbers.hpp"
#include "output_path.hpp"
#include "run_folder.hpp"
#include "summary.hpp"

namespace duet::tools {

namespace {

constexpr std::size_t max_columns = 100;
constexpr std::size_t scale = 2;
constexpr std::size_t space_between_tiles = 10;
constexpr std::uint8_t white = 255;

struct CompareArguments {
    std::string out;
    std::vector<std::string> runs;
    std::size_t columns = 6;
    std::size_t digits = 4;
};

struct Run {
    Spec recipe;
    std::vector<SamplePicture> pictures;
};

/// The steps that every run has a picture of.
std::vector<std::uint64_t> common_steps(const std::vector<Run>& runs) {
    std::vector<std::uint64_t> common;
    for (const SamplePicture& picture : runs.front().pictures) {
        const bool everywhere = std::all_of(runs.begin(), runs.end(), [&](const Run& run) {
            return std::any_of(run.pictures.begin(), run.pictures.end(),
                               [&](const SamplePicture& other) { return other.step == picture.step; });
        });
        if (everywhere) common.push_back(picture.step);
    }
    return common;
}

/// At most `count` of the steps, the first and the last among them, evenly spread.
std::vector<std::uint64_t> spread(const std::vector<std::uint64_t>& steps, std::size_t count) {
    if (steps.size() <= count) return steps;
    if (count == 1) return {steps.back()};
    std::vector<std::uint64_t> chosen;
    for (std::size_t i = 0; i < count; ++i) chosen.push_back(steps[i * (steps.size() - 1) / (count - 1)]);
    return chosen;
}

std::size_t width_of(const Spec& recipe) {
    return recipe.whole("images.width");
}
std::size_t height_of(const Spec& recipe) {
    return recipe.whole("images.height");
}

/// The top left part of a picture, each pixel drawn `scale` times in both directions. Below a picture that is
/// lower, as those of few classes are, the part is white.
Image magnified_part(const Image& picture, std::size_t width, std::size_t height) {
    Image part{width * scale, height * scale, picture.channels, {}};
    const std::size_t there = std::min(height, picture.height) * scale;
    part.pixels.reserve(part.width * part.height * part.channels);
    for (std::size_t y = 0; y < there; ++y)
        for (std::size_t x = 0; x < part.width; ++x) {
            const std::size_t from = (y / scale * picture.width + x / scale) * picture.channels;
            for (std::size_t channel = 0; channel < picture.channels; ++channel)
                part.pixels.push_back(picture.pixels[from + channel]);
        }
    part.pixels.resize(part.width * part.height * part.channels, white);
    return part;
}

Image tile(const Run& run, std::uint64_t step, std::size_t digits) {
    const auto found = std::find_if(run.pictures.begin(), run.pictures.end(),
                                    [&](const SamplePicture& picture) { return picture.step == step; });
    const Image picture = read_png(found->path);
    const std::size_t wide = width_of(run.recipe) + sample_padding,
                      high = height_of(run.recipe) + sample_padding;
    const std::size_t width = digits * wide + sample_padding, height = digits * high + sample_padding;
    if (picture.width < width || picture.height < high + sample_padding)
        throw FileError(fmt::format("{}: {} x {} pixels are too few for {} images of {} x {} in a row",
                                    found->path.string(), picture.width, picture.height, digits,
                                    width_of(run.recipe), height_of(run.recipe)));
    return magnified_part(picture, width, height);
}

void compare(const CompareArguments& arguments) {
    const std::filesystem::path out = arguments.out;
    if (out.extension() != ".png")
        throw Error(fmt::format("--out: {}: the name must end in .png", out.string()));
    check_output_file("--out", out);
    std::vector<Run> runs;
    for (const std::string& folder : arguments.runs) {
        runs.push_back({recipe_of(folder), sample_pictures(folder)});
        const Spec &first = runs.front().recipe, &added = runs.back().recipe;
        if (height_of(added) != height_of(first) || width_of(added) != width_of(first))
            throw Error(fmt::format("{}: its images are {} x {}, those of {} are {} x {}", folder,
                                    width_of(added), height_of(added), arguments.runs.front(),
                                    width_of(first), height_of(first)));
    }
    const std::vector<std::uint64_t> steps = spread(common_steps(runs), arguments.columns);
    if (steps.empty()) throw Error("the runs have no sample pictures of the same step");

    std::vector<Image> tiles;
    for (const Run& run : runs)
        for (const std::uint64_t step : steps) tiles.push_back(tile(run, step, arguments.digits));
    write_png(arguments.out, tile_grid(tiles, steps.size(), space_between_tiles, white));

    for (std::size_t i = 0; i < runs.size(); ++i)
        fmt::print("row {}: {} ({})\n", i + 1, arguments.runs[i], setting_of(runs[i].recipe));
    fmt::print("columns: after {} steps\n", fmt::join(steps, ", "));
}

}  // namespace

void add_compare_command(CLI::App& app) {
    CLI::App* command = app.add_subcommand(
        "compare", "Put what trainings drew over time into one picture: a row a run, a column a step.");
    auto arguments = std::make_shared<CompareArguments>();
    command->add_option("--out", arguments->out, "The picture, a PNG file")
        ->required()
        ->check(path_name())
        ->type_name("FILE");
    command->add_option("runs", arguments->runs, "Folders that `duet train` wrote")
        ->required()
        ->check(path_name())
        ->type_name("DIR...");
    command
        ->add_option("--columns", arguments->columns,
                     "At most this many of the steps that all runs have pictures of")
        ->transform(whole_number(1, max_columns))
        ->type_name("N")
        ->capture_default_str();
    command->add_option("--digits", arguments->digits, "Images across and down in each tile")
        ->transform(whole_number(1, sample_columns))
        ->type_name("N")
        ->capture_default_str();
    command->callback([arguments] { compare(*arguments); });
}

}  // namespace duet::tools
