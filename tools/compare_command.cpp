#include <algorithm>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <duet/data/png.hpp>
#include <duet/graph/error.hpp>

#include "command.hpp"
#include "commands.hpp"
#include "numbers.hpp"
#include "output_path.hpp"
#include "pictures.hpp"
#include "run_folder.hpp"
#include "summary.hpp"

namespace duet::tools {

namespace {

constexpr std::size_t max_columns = 100;
constexpr std::size_t usual_tile_width = 250;
constexpr std::size_t space_between_tiles = 10;
constexpr std::uint8_t white = 255;
constexpr Color black = {0, 0, 0};

struct CompareArguments {
    std::string out;
    std::vector<std::string> runs;
    std::size_t columns = 6;
    std::size_t digits = 4;
    std::size_t scale = 0;
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

/// The top left part of a picture. Below a picture that is lower, as those of few classes are, it is white.
Image part_of(const Image& picture, std::size_t width, std::size_t height) {
    Image part{width, height, picture.channels, {}};
    const std::size_t there = std::min(height, picture.height);
    part.pixels.reserve(width * height * picture.channels);
    for (std::size_t y = 0; y < there; ++y) {
        const auto row =
            picture.pixels.begin() + static_cast<std::ptrdiff_t>(y * picture.width * picture.channels);
        part.pixels.insert(part.pixels.end(), row,
                           row + static_cast<std::ptrdiff_t>(width * picture.channels));
    }
    part.pixels.resize(width * height * picture.channels, white);
    return part;
}

/// A sample picture as it was before it was magnified.
Image plain(const Image& picture, const Spec& recipe, const std::filesystem::path& path) {
    const std::size_t width = plain_width(width_of(recipe));
    const auto scale = scale_of(picture.width, width);
    if (!scale || picture.height % *scale != 0)
        throw FileError(fmt::format("{}: {} x {} pixels are not a picture of {} images of {} x {} in a row",
                                    path.string(), picture.width, picture.height, sample_columns,
                                    width_of(recipe), height_of(recipe)));
    return reduced(picture, *scale);
}

Image tile(const Run& run, std::uint64_t step, const CompareArguments& arguments) {
    const auto found = std::find_if(run.pictures.begin(), run.pictures.end(),
                                    [&](const SamplePicture& picture) { return picture.step == step; });
    const Image picture = plain(read_png(found->path), run.recipe, found->path);
    const std::size_t wide = width_of(run.recipe) + sample_padding,
                      high = height_of(run.recipe) + sample_padding;
    const std::size_t width = arguments.digits * wide + sample_padding,
                      height = arguments.digits * high + sample_padding;
    if (picture.height < high + sample_padding)
        throw FileError(fmt::format("{}: the picture is too low for an image of {} x {}",
                                    found->path.string(), width_of(run.recipe), height_of(run.recipe)));
    const std::size_t scale = arguments.scale == 0 ? scale_for(width, usual_tile_width) : arguments.scale;
    return magnified(part_of(picture, width, height), scale);
}

/// The steps, each above its column of tiles.
Image header(const std::vector<std::uint64_t>& steps, std::size_t tile_width, std::size_t channels) {
    const std::size_t width = steps.size() * (tile_width + space_between_tiles) + space_between_tiles;
    const auto text = [&](std::size_t i) { return fmt::format("{}{}", i == 0 ? "step " : "", steps[i]); };
    std::size_t letters = letter_scale(width);
    for (std::size_t i = 0; i < steps.size(); ++i)
        while (letters > 1 && text_width(text(i), letters) > tile_width) --letters;
    Image line{width, letter_height * letters + space_between_tiles, channels, {}};
    line.pixels.assign(line.width * line.height * channels, white);
    for (std::size_t i = 0; i < steps.size(); ++i)
        draw_text(line,
                  static_cast<std::ptrdiff_t>(space_between_tiles + i * (tile_width + space_between_tiles)),
                  space_between_tiles, text(i), black, letters);
    return line;
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

    std::vector<Image> parts;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        std::vector<Image> tiles;
        for (const std::uint64_t step : steps) tiles.push_back(tile(runs[i], step, arguments));
        const Image row = tile_grid(tiles, steps.size(), space_between_tiles, white);
        if (parts.empty()) parts.push_back(header(steps, tiles.front().width, row.channels));
        parts.push_back(line_of_text(fmt::format("{}: {}", arguments.runs[i], setting_of(runs[i].recipe)),
                                     row.width, row.channels, black, {white, white, white}));
        parts.push_back(row);
    }
    write_png(arguments.out, stacked(parts), picture_texts(runs.front().recipe.whole("seed"), {}, {}));

    for (std::size_t i = 0; i < runs.size(); ++i)
        fmt::print("row {}: {} ({})\n", i + 1, arguments.runs[i], setting_of(runs[i].recipe));
    fmt::print("columns: after {} steps\n", fmt::join(steps, ", "));
}

}  // namespace

void add_compare_command(CLI::App& app) {
    Command command(app, "compare",
                    "Put what trainings drew over time into one picture: a row a run, a column a step.");
    auto arguments = std::make_shared<CompareArguments>();
    command.option("--out", arguments->out, "The picture, a PNG file").required().takes("FILE", any_text());
    command.option("runs", arguments->runs, "Folders that `duet train` wrote")
        .required()
        .takes("DIR...", any_text());
    command
        .option("--columns", arguments->columns,
                "At most this many of the steps that all runs have pictures of")
        .takes("N", whole_number(1, max_columns))
        .with_default();
    command.option("--digits", arguments->digits, "Images across and down in each tile")
        .takes("N", whole_number(1, sample_columns))
        .with_default();
    add_scale_option(command, arguments->scale, "about 250 pixels to a tile");
    command.runs([arguments] { compare(*arguments); });
}

}  // namespace duet::tools
