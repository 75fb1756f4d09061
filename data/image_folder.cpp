#include <duet/data/image_folder.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <duet/data/data_folder.hpp>
#include <duet/data/png.hpp>
#include <duet/data/sizes.hpp>
#include <duet/graph/error.hpp>

namespace duet {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t max_images = std::uint64_t{1} << 32;

/// The names of the PNG files in one folder, and the bytes of all of them.
struct Class {
    fs::path folder;
    std::vector<std::string> names;
    std::uint64_t bytes = 0;
};

bool has_png_suffix(std::string_view name) {
    constexpr std::string_view suffix = ".png";
    if (name.size() < suffix.size()) return false;
    const std::string_view end = name.substr(name.size() - suffix.size());
    return std::equal(end.begin(), end.end(), suffix.begin(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

void check_png_name(const fs::path& path) {
    if (type_of(path) == fs::file_type::directory) {
        throw FileError(fmt::format(
            "{}: a folder, expected PNG files only; a data folder holds PNG files, or one folder of PNG "
            "files for each class",
            path.string()));
    }
    if (!has_png_suffix(path.filename().string())) {
        throw FileError(
            fmt::format("{}: not named as a PNG file, expected PNG files only; convert it or move "
                        "it out of the data folder",
                        path.string()));
    }
}

Class png_files(const fs::path& folder) {
    Class found{folder, sorted_names(folder)};
    for (const std::string& name : found.names) {
        check_png_name(folder / name);
        std::error_code failed;
        const std::uintmax_t size = fs::file_size(folder / name, failed);
        if (!failed) found.bytes += size;
    }
    if (found.names.empty()) {
        throw FileError(fmt::format("{}: an empty folder, expected at least one PNG file", folder.string()));
    }
    return found;
}

/// The folders of the classes; one if the files lie in `folder` itself.
std::vector<Class> classes_of(const fs::path& folder) {
    const std::vector<std::string> names = sorted_names(folder);
    const bool labelled = !names.empty() && std::all_of(names.begin(), names.end(), [&](const auto& name) {
        return type_of(folder / name) == fs::file_type::directory;
    });
    if (!labelled) return {png_files(folder)};
    if (names.size() > Dataset::max_classes) {
        throw FileError(fmt::format("{}: it holds {} folders, expected one a class and at most {} classes",
                                    folder.string(), names.size(), Dataset::max_classes));
    }
    std::vector<Class> classes;
    classes.reserve(names.size());
    for (const std::string& name : names) classes.push_back(png_files(folder / name));
    return classes;
}

std::string kind_of(std::size_t width, std::size_t height, std::size_t channels) {
    return fmt::format("{} x {} with {}", width, height, channels == 1 ? "1 channel" : "3 channels");
}

/// Takes the size of all images from the first, and memory for all if files of so many bytes can hold them.
void start(const Image& first, std::uint64_t count, std::uint64_t file_bytes, const fs::path& folder,
           Dataset& dataset) {
    dataset.height = first.height;
    dataset.width = first.width;
    dataset.channels = first.channels;
    // Below 2^32 images of below 2^30 bytes.
    const std::uint64_t bytes = count * dataset.image_size();
    if (bytes > max_image_folder_bytes) {
        throw FileError(
            fmt::format("{}: {} images of {} take {} bytes, expected at most {}; give fewer or smaller ones",
                        folder.string(), count, kind_of(first.width, first.height, first.channels), bytes,
                        max_image_folder_bytes));
    }
    const bool can_be_held = file_bytes >= bytes / largest_deflate_ratio;
    if (can_be_held) dataset.images.reserve(static_cast<std::size_t>(bytes));
}

void append(const Image& image, const fs::path& path, const fs::path& first, Dataset& dataset) {
    if (image.width != dataset.width || image.height != dataset.height ||
        image.channels != dataset.channels) {
        throw FileError(
            fmt::format("{}: the picture is {}, expected {} as {}; bring all to one size and kind",
                        path.string(), kind_of(image.width, image.height, image.channels),
                        kind_of(dataset.width, dataset.height, dataset.channels), first.string()));
    }
    dataset.images.insert(dataset.images.end(), image.pixels.begin(), image.pixels.end());
    ++dataset.count;
}

}  // namespace

Dataset load_image_folder(const fs::path& folder) {
    check_data_folder(folder);
    const std::vector<Class> classes = classes_of(folder);
    std::uint64_t count = 0, file_bytes = 0;
    for (const Class& each : classes) {
        count += each.names.size();
        file_bytes += each.bytes;
    }
    if (count > max_images) {
        throw FileError(
            fmt::format("{}: it holds {} images, expected at most {}", folder.string(), count, max_images));
    }
    const bool labelled = classes.front().folder != folder;
    const fs::path first = classes.front().folder / classes.front().names.front();
    Dataset dataset;
    for (std::size_t label = 0; label < classes.size(); ++label) {
        for (const std::string& name : classes[label].names) {
            const fs::path path = classes[label].folder / name;
            const Image image = read_png(path);
            if (dataset.count == 0) start(image, count, file_bytes, folder, dataset);
            append(image, path, first, dataset);
            if (labelled) dataset.labels.push_back(static_cast<std::uint8_t>(label));
        }
        if (labelled) dataset.class_names.push_back(classes[label].folder.filename().string());
    }
    return dataset;
}

bool holds_png_files(const fs::path& folder) {
    const auto any_png = [](const std::vector<std::string>& names) {
        return std::any_of(names.begin(), names.end(), has_png_suffix);
    };
    const std::vector<std::string> names = sorted_names(folder);
    return any_png(names) || std::any_of(names.begin(), names.end(), [&](const std::string& name) {
               std::error_code ignored;
               return fs::is_directory(folder / name, ignored) && any_png(sorted_names(folder / name));
           });
}

}  // namespace duet
