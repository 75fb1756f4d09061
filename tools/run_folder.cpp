#include "run_folder.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <duet/data/file.hpp>
#include <duet/data/gif.hpp>
#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/catalogue.hpp>

namespace duet::tools {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view sample_prefix = "step-";
constexpr std::string_view sample_suffix = ".png";

void write_text(const fs::path& path, std::string_view text) {
    write_file_atomically(path, std::as_bytes(std::span(text)));
}

void make_folder(const fs::path& path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error || !fs::is_directory(path, error))
        throw FileError(fmt::format("cannot make the folder {}: {}", path.string(),
                                    error ? error.message() : "something else is in its place"));
}

/// The step of a file name such as "step-000200.png".
std::optional<std::uint64_t> sample_step(std::string_view name) {
    if (!name.starts_with(sample_prefix) || !name.ends_with(sample_suffix)) return std::nullopt;
    name.remove_prefix(sample_prefix.size());
    if (name.size() <= sample_suffix.size()) return std::nullopt;
    name.remove_suffix(sample_suffix.size());
    std::uint64_t step = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), step);
    if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
    return step;
}

}  // namespace

RunFolder::RunFolder(fs::path path, const std::string& recipe) : path_(std::move(path)) {
    make_folder(path_ / "samples");
    write_text(path_ / "recipe.toml", recipe);
    for (const SamplePicture& picture : sample_pictures(path_)) {
        std::error_code error;
        if (!fs::remove(picture.path, error))
            throw FileError(fmt::format("cannot remove {}: {}", picture.path.string(), error.message()));
    }
}

void RunFolder::see(const models::Record& record) {
    if (metrics_.empty()) metrics_ = fmt::format("step,{}\n", fmt::join(record.names, ","));
    metrics_ += fmt::format("{},{:.9g}\n", record.step, fmt::join(record.values, ","));
}

void RunFolder::write_metrics(bool unless_recent) {
    const auto now = std::chrono::steady_clock::now();
    if (unless_recent && now - metrics_written_ < std::chrono::seconds(1)) return;
    metrics_written_ = now;
    write_text(path_ / "metrics.csv", metrics_);
}

void RunFolder::write_samples(std::uint64_t step, const Array& images,
                              const models::ImageFormat& format) const {
    write_png_grid(path_ / "samples" / fmt::format("{}{:06}{}", sample_prefix, step, sample_suffix), images,
                   format.height, format.width, sample_columns, sample_padding);
}

void RunFolder::write_progress() const {
    constexpr std::size_t most_frames = 60;
    constexpr unsigned delay = 25, last_delay = 200;  // hundredths of a second
    const std::vector<SamplePicture> pictures = sample_pictures(path_);
    if (pictures.empty()) return;
    const Image first = read_png(pictures.front().path);
    if (first.width > max_gif_side || first.height > max_gif_side) return;
    GifAnimation animation(first.width, first.height, first.channels);
    const std::size_t last = pictures.size() - 1;
    const std::size_t last_frame = std::min(last, most_frames - 1);
    for (std::size_t frame = 0; frame < last_frame; ++frame)
        animation.add(read_png(pictures[frame * last / last_frame].path), delay);
    animation.add(read_png(pictures[last].path), last_delay);
    write_gif(path_ / "progress.gif", animation);
}

std::vector<SamplePicture> sample_pictures(const fs::path& run) {
    std::error_code error;
    fs::directory_iterator entries(run / "samples", error);
    if (error)
        throw FileError(fmt::format("{}: not the folder of a run: cannot list its samples: {}", run.string(),
                                    error.message()));
    std::vector<SamplePicture> pictures;
    for (const fs::directory_entry& entry : entries)
        if (const auto step = sample_step(entry.path().filename().string()))
            pictures.push_back({*step, entry.path()});
    std::sort(pictures.begin(), pictures.end(),
              [](const SamplePicture& a, const SamplePicture& b) { return a.step < b.step; });
    return pictures;
}

Spec recipe_of(const fs::path& run) {
    const fs::path path = run / "recipe.toml";
    const Spec recipe = read_toml(path);
    try {
        return models::standard_catalogue().completed(recipe, "recipe", "");
    } catch (const Error& error) {
        throw FileError(
            fmt::format("{}: not the recipe.toml of `duet train`: {}", path.string(), error.what()));
    }
}

}  // namespace duet::tools
