#include <duet/data/dataset.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include <duet/data/data_folder.hpp>
#include <duet/data/idx.hpp>
#include <duet/graph/error.hpp>

namespace duet {
namespace {

namespace fs = std::filesystem;

void check_dimensions(const Idx& idx, std::size_t expected, std::string_view meaning, const fs::path& path) {
    if (idx.shape.size() == expected) return;
    throw FileError(fmt::format("{}: IDX number of dimensions is {}, expected {} ({})", path.string(),
                                idx.shape.size(), expected, meaning));
}

}  // namespace

std::size_t Dataset::classes() const {
    if (labels.empty()) return 0;
    const std::size_t used = std::size_t{*std::max_element(labels.begin(), labels.end())} + 1;
    return std::max(used, class_names.size());
}

Dataset load_idx_folder(const fs::path& folder, Split split) {
    check_data_folder(folder);
    const std::string prefix = split == Split::train ? "train" : "t10k";
    const std::string images_name = prefix + "-images-idx3-ubyte";
    const std::string labels_name = prefix + "-labels-idx1-ubyte";
    const std::optional<fs::path> images_path = find_plain_or_gzip(folder, images_name);
    if (!images_path) {
        throw FileError(fmt::format("no images in the data folder {}: looked for {} and {}.gz",
                                    folder.string(), images_name, images_name));
    }

    Idx images = read_idx(*images_path);
    check_dimensions(images, 3, "count, height, width", *images_path);
    Dataset dataset;
    dataset.count = images.shape[0];
    dataset.height = images.shape[1];
    dataset.width = images.shape[2];
    if (dataset.count == 0) throw FileError(fmt::format("{}: it holds no images", images_path->string()));
    if (dataset.image_size() == 0) {
        throw FileError(fmt::format("{}: its images are of {} x {} pixels, expected at least 1 x 1",
                                    images_path->string(), dataset.height, dataset.width));
    }
    dataset.images = std::move(images.values);

    if (const std::optional<fs::path> labels_path = find_plain_or_gzip(folder, labels_name)) {
        Idx labels = read_idx(*labels_path);
        check_dimensions(labels, 1, "count", *labels_path);
        if (labels.shape[0] != dataset.count) {
            throw FileError(fmt::format("{}: it holds {} labels, expected {}, one for each image of {}",
                                        labels_path->string(), labels.shape[0], dataset.count,
                                        images_path->string()));
        }
        dataset.labels = std::move(labels.values);
    }
    return dataset;
}

}  // namespace duet
