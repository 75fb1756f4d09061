#include "subject.hpp"

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/data/image_array.hpp>
#include <duet/data/load_images.hpp>
#include <duet/data/npy.hpp>
#include <duet/data/npz.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/sampler.hpp>
#include <duet/models/weights.hpp>

#include "checkpoints.hpp"
#include "weights_file.hpp"

namespace duet::tools {

namespace {

namespace fs = std::filesystem;

/// The last part of a path; of a run's weights, the run's.
std::string short_name(const fs::path& path) {
    const fs::path whole = fs::absolute(path).lexically_normal();
    const fs::path last = whole.has_filename() ? whole : whole.parent_path();
    return (last.filename() == "weights.safetensors" ? last.parent_path() : last).filename().string();
}

bool holds_weights(const fs::path& path) {
    std::error_code error;
    return path.extension() == ".safetensors" || is_run(path) ||
           fs::exists(path / "weights.safetensors", error);
}

Subject draw(const fs::path& path, const Dataset& like, const DrawOptions& options) {
    constexpr std::size_t shown_digits = 8;
    const fs::path weights = weights_in(path);
    const WeightsFile file = read_weights(weights, std::nullopt, &like);
    const models::Model model = drawing_model(file, options.raw);
    models::Sampler sampler(model, options.seed, Arena(options.threads));
    Subject subject{
        short_name(path), {}, images_of_array(sampler.draw(options.count), like, path.string()).images};
    for (std::size_t i = 0; model.images.classes > 0 && i < options.count; ++i)
        subject.images.labels.push_back(static_cast<std::uint8_t>(i % model.images.classes));
    const auto at = models::position_in(file.contents, weights);
    subject.what = fmt::format("{} images drawn with seed {} from {} @ {}{}{}", options.count, options.seed,
                               weights.string(), file.sha256.substr(0, shown_digits),
                               at ? fmt::format(", step {}", at->step) : "",
                               model.average() != nullptr ? ", averaged weights" : "");
    return subject;
}

/// The one array of a file that holds images.
Array array_in(const fs::path& path) {
    if (path.extension() == ".npy") return read_npy(path);
    Safetensors file = read_npz(path);
    if (file.tensors.size() != 1)
        throw FileError(
            fmt::format("{}: holds {} arrays; expected one, of images", path.string(), file.tensors.size()));
    return std::move(file.tensors.front().value);
}

Subject from_array(const fs::path& path, const Dataset& like, const Warn& warn) {
    ArrayImages found = images_of_array(array_in(path), like, path.string());
    if (found.range != ArrayRange::unit)
        warn(fmt::format("{}: its values are from {}, and taken for that", path.string(),
                         found.range == ArrayRange::bytes ? "0 to 255" : "-1 to 1"));
    const std::size_t count = found.images.count;
    return {short_name(path), fmt::format("{} images of {}", count, path.string()), std::move(found.images)};
}

Subject from_folder(const fs::path& path, const Dataset& like) {
    Dataset images = load_images(path, Split::train);
    if (images.height != like.height || images.width != like.width || images.channels != like.channels)
        throw Error(
            fmt::format("{}: its images are {}x{} with {} channel(s), those of the reference {}x{} "
                        "with {}",
                        path.string(), images.height, images.width, images.channels, like.height, like.width,
                        like.channels));
    images.labels.clear();
    const std::size_t count = images.count;
    return {short_name(path), fmt::format("{} images of {}", count, path.string()), std::move(images)};
}

}  // namespace

Subject read_subject(const fs::path& path, const Dataset& like, const DrawOptions& options,
                     const Warn& warn) {
    if (holds_weights(path)) return draw(path, like, options);
    if (path.extension() == ".npy" || path.extension() == ".npz") return from_array(path, like, warn);
    return from_folder(path, like);
}

std::optional<fs::path> run_of(const fs::path& path) {
    for (const fs::path& folder : {path, path.parent_path(), path.parent_path().parent_path()})
        if (!folder.empty() && is_run(folder)) return folder;
    return std::nullopt;
}

std::optional<fs::path> data_of(const fs::path& path) {
    const auto run = run_of(path);
    if (!run) return std::nullopt;
    const Spec recipe = tools::recipe_of(*run);
    if (!recipe.has("data.path")) return std::nullopt;
    return recipe.text("data.path");
}

bool was_chosen(const fs::path& path) {
    const auto run = run_of(path);
    if (!run || path.filename() != "best.safetensors") return false;
    const Spec recipe = tools::recipe_of(*run);
    return recipe.has("evaluate.every") && recipe.whole("evaluate.every") > 0;
}

}  // namespace duet::tools
