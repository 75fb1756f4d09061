#include "run_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <optional>
#include <span>
#include <system_error>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <duet/data/file.hpp>
#include <duet/data/gif.hpp>
#include <duet/data/toml.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/catalogue.hpp>

#include "curves.hpp"
#include "pictures.hpp"
#include "shared_lock.hpp"

namespace duet::tools {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view sample_suffix = ".png", step_prefix = "step-";
constexpr const char* mark_name = ".duet-run";

/// A descriptor of a run's mark, or -1 and errno.
int open_mark(const fs::path& run, int flags) {
    return ::open((run / mark_name).c_str(), flags | O_CLOEXEC, 0666);
}

[[noreturn]] void refuse_running(const fs::path& run) {
    throw Error(fmt::format("--out: another process is training in {}: wait for it, or give another folder",
                            run.string()));
}

/// Locks a run's mark and returns its descriptor. Who only looks whether it is locked holds it for a moment;
/// and a mark that is moved between its opening and its locking is another one's.
int locked_mark(const fs::path& run, int flags) {
    constexpr int most_attempts = 20;
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        const int mark = open_mark(run, flags);
        if (mark < 0) throw_file_error("open", run / mark_name, errno);
        const bool locked = ::flock(mark, LOCK_EX | LOCK_NB) == 0;
        const int error = errno;
        if (locked && is_same_file(mark, run / mark_name)) return mark;
        ::close(mark);
        if (!locked && error != EWOULDBLOCK) throw_file_error("lock", run / mark_name, error);
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    refuse_running(run);
}

/// A sample picture at the largest scale that stays below 300 pixels, or its own.
Image animated(const Image& picture, std::size_t plain_width) {
    constexpr std::size_t widest = 300;
    const std::size_t scale = scale_of(picture.width, plain_width).value_or(1);
    return magnified(reduced(picture, scale), std::clamp<std::size_t>(widest / plain_width, 1, scale));
}

}  // namespace

std::optional<std::uint64_t> step_in_name(std::string_view name, std::string_view suffix) {
    if (!name.starts_with(step_prefix) || !name.ends_with(suffix)) return std::nullopt;
    name.remove_prefix(step_prefix.size());
    if (name.size() <= suffix.size()) return std::nullopt;
    name.remove_suffix(suffix.size());
    std::uint64_t step = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), step);
    if (error != std::errc() || end != name.data() + name.size() || fmt::format("{:06}", step) != name)
        return std::nullopt;
    return step;
}

std::string name_of_step(std::uint64_t step, std::string_view suffix) {
    return fmt::format("{}{:06}{}", step_prefix, step, suffix);
}

void check_run_folder(const fs::path& path) {
    std::error_code error;
    if (!fs::exists(path, error) || is_run(path)) return;
    if (!fs::is_directory(path, error)) throw Error(fmt::format("--out: {} is not a folder", path.string()));
    const fs::directory_iterator entries(path, error);
    if (error) throw Error(fmt::format("--out: cannot list {}: {}", path.string(), error.message()));
    if (entries != fs::directory_iterator())
        throw Error(fmt::format(
            "--out: {} holds files that are not a run's, such as {}: give a new folder, or an empty one",
            path.string(), quoted_for_message(entries->path().filename().string())));
}

RunFolder::RunFolder(const fs::path& path) : path_(path.lexically_normal()) {
    if (!path_.has_filename()) path_ = path_.parent_path();
    check_run_folder(path_);
    make_folder(path_);
    lock_ = inherited_lock(mark_of(path_));
    if (lock_ < 0) lock_ = locked_mark(path_, O_RDWR | O_CREAT);
    make_folder(checkpoints());
    for (const fs::path& folder : {path_, path_ / "samples", checkpoints()}) remove_partials(folder);
}

RunFolder::~RunFolder() {
    if (lock_ >= 0) ::close(lock_);
}

RunFolder::RunFolder(RunFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

void check_space(const fs::path& folder, std::uint64_t state_bytes) {
    // Two checkpoints, the one that is being written and the weights; pictures.
    constexpr std::uint64_t files = 4, pictures = 16 << 20, mebibyte = 1 << 20;
    std::error_code error;
    fs::path standing = fs::absolute(folder);
    while (!fs::exists(standing, error) && standing.has_relative_path()) standing = standing.parent_path();
    const fs::space_info space = fs::space(standing, error);
    if (error) return;
    std::uint64_t there = space.available;
    if (is_run(folder))
        for (const fs::path& part : {folder, folder / "checkpoints"})
            for (fs::directory_iterator entries(part, error), end; !error && entries != end;
                 entries.increment(error))
                if (std::error_code ignored; entries->path().extension() == ".safetensors")
                    there += entries->file_size(ignored);
    const std::uint64_t needed = files * state_bytes + pictures;
    if (there < needed)
        throw StorageError(fmt::format("--out: the disk of {} has {} MiB left; the run's files need about {}",
                                       folder.string(), there / mebibyte, needed / mebibyte));
}

fs::path mark_of(const fs::path& run) {
    return run / mark_name;
}

bool is_run(const fs::path& path) {
    std::error_code error;
    return fs::exists(mark_of(path), error);
}

bool is_running(const fs::path& run) {
    const int mark = open_mark(run, O_RDONLY);
    if (mark < 0) return false;
    const bool taken = ::flock(mark, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    ::close(mark);
    return taken;
}

void RunFolder::check_there() const {
    if (!is_same_file(lock_, path_ / mark_name))
        throw StorageError(
            fmt::format("the folder {} is not the one any more in which the run began", path_.string()));
}

fs::path move_aside(const fs::path& run) {
    const fs::path from = fs::canonical(run);
    const int mark = locked_mark(from, O_RDONLY);
    std::error_code error;
    for (int number = 1;; ++number) {
        const fs::path to = fmt::format("{}.old-{}", from.string(), number);
        if (fs::exists(fs::symlink_status(to, error))) continue;
        fs::rename(from, to, error);
        ::close(mark);
        if (error)
            throw StorageError(
                fmt::format("cannot move {} to {}: {}", from.string(), to.string(), error.message()));
        return to;
    }
}

fs::path make_next_folder(const fs::path& stem) {
    make_folder(stem.has_parent_path() ? stem.parent_path() : fs::path("."));
    for (int number = 1;; ++number) {
        fs::path path = fmt::format("{}-{}", stem.string(), number);
        std::error_code error;
        if (fs::create_directory(path, error)) return path;
        if (error && error != std::errc::file_exists)
            throw FileError(fmt::format("cannot make the folder {}: {}", path.string(), error.message()));
    }
}

void RunFolder::write_samples(std::uint64_t step, const Image& picture,
                              const std::vector<PngText>& texts) const {
    make_folder(path_ / "samples");
    write_png(path_ / "samples" / name_of_step(step, sample_suffix), picture, texts);
}

void RunFolder::write_curves() const {
    write_png(path_ / "curves.png", curves_of(read_metrics(metrics()), path_.filename().string()));
}

void RunFolder::remove_samples(const std::function<bool(std::uint64_t)>& refused, const Warn& warn) const {
    std::error_code error;
    if (!fs::exists(path_ / "samples", error)) return;
    try {
        for (const SamplePicture& picture : sample_pictures(path_))
            if (refused(picture.step) && fs::is_regular_file(picture.path, error) &&
                !fs::remove(picture.path, error))
                warn(fmt::format("cannot remove {}: {}", picture.path.string(), error.message()));
    } catch (const FileError& failure) {
        warn(failure.what());
    }
}

void RunFolder::write_progress(std::size_t image_width, const Warn& warn) const {
    constexpr std::size_t most_frames = 60;
    constexpr unsigned delay = 25, last_delay = 200;  // hundredths of a second
    const std::vector<SamplePicture> pictures = sample_pictures(path_);
    const std::size_t count = std::min(pictures.size(), most_frames);
    std::optional<Image> next;
    std::optional<GifAnimation> animation;
    for (std::size_t i = 0; i < count; ++i) {
        const SamplePicture& picture = pictures[count < 2 ? 0 : i * (pictures.size() - 1) / (count - 1)];
        try {
            Image frame = animation_frame(animated(read_png(picture.path), plain_width(image_width)),
                                          picture.step, path_.filename().string());
            if (frame.width > max_gif_side || frame.height > max_gif_side) return;
            if (!animation) animation.emplace(frame.width, frame.height, frame.channels);
            if (next && (frame.width != next->width || frame.height != next->height ||
                         frame.channels != next->channels))
                throw FileError(fmt::format("{}: not of the size of those before", picture.path.string()));
            if (next) animation->add(*next, delay);
            next = std::move(frame);
        } catch (const FileError& error) {
            warn(fmt::format("progress.gif leaves out a picture: {}", error.what()));
        }
    }
    if (!next) return;
    animation->add(*next, last_delay);
    write_gif(path_ / "progress.gif", *animation);
}

std::vector<SamplePicture> sample_pictures(const fs::path& run) {
    std::error_code error;
    fs::directory_iterator entries(run / "samples", error);
    if (error)
        throw FileError(fmt::format("{}: not the folder of a run: cannot list its samples: {}", run.string(),
                                    error.message()));
    std::vector<SamplePicture> pictures;
    for (const fs::directory_entry& entry : entries)
        if (const auto step = step_in_name(entry.path().filename().string(), sample_suffix))
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
