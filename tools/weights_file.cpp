#include "weights_file.hpp"

#include <cmath>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/data/npz.hpp>
#include <duet/data/sha256.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/weights.hpp>

namespace duet::tools {

namespace {

bool is_archive(const std::filesystem::path& path) {
    return path.extension() == ".npz";
}

struct ImageSize {
    std::size_t height;
    std::size_t width;
};

/// The image size of a file that says nothing: the pixels are what the discriminator takes in.
ImageSize square_image(const Safetensors& file, const std::filesystem::path& path) {
    const Array* first = file.find("discriminator.0.weight");
    if (first == nullptr || first->dimension() != 2) return {1, 1};
    const std::size_t pixels = first->shape()[1];
    const auto side = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(pixels))));
    if (side * side != pixels)
        throw FileError(fmt::format("{}: has no metadata, and images of {} pixels are not square",
                                    path.string(), pixels));
    return {side, side};
}

Spec layer_of(const Safetensors& file, const std::filesystem::path& path,
              const std::optional<std::string>& model, const Dataset* data) {
    if (const std::optional<Spec> layer = models::layer_in(file, path)) return *layer;
    if (!model)
        throw Error(
            fmt::format("{}: has no metadata that says what model it holds: give --model", path.string()));
    const Spec known = models::preset(*model);
    if (known.text("images.form") == "flat") {
        const ImageSize image =
            data != nullptr ? ImageSize{data->height, data->width} : square_image(file, path);
        Spec layer = models::layer_from_arrays(file, path, image.height, image.width);
        layer.set("model", {*model, path.string()});
        return layer;
    }
    if (data == nullptr)
        throw Error(fmt::format(
            "{}: has no metadata, and of weights without any only those of perceptrons can be drawn from: "
            "`duet train --init` adds it",
            path.string()));
    Spec layer;
    layer.set("model", {*model, path.string()});
    return layer;
}

}  // namespace

Safetensors read_arrays(const std::filesystem::path& path) {
    return is_archive(path) ? read_npz(path) : read_safetensors(path);
}

WeightsFile read_weights(const std::filesystem::path& path, const std::optional<std::string>& model,
                         const Dataset* data) {
    const Bytes bytes = read_file(path);
    const std::span<const std::byte> all = std::as_bytes(std::span(bytes));
    Safetensors contents =
        is_archive(path) ? parse_npz(all, path.string()) : parse_safetensors_as<float>(all, path.string());
    Spec layer = layer_of(contents, path, model, data);
    return {path, std::move(contents), std::move(layer), sha256(all)};
}

models::Model drawing_model(const WeightsFile& file, bool raw) {
    const models::Model model =
        models::model_in(models::standard_catalogue(), file.layer, file.contents, file.path);
    if (!raw) return model;
    if (model.average() == nullptr)
        throw Error(fmt::format("--raw: {} holds no average of its weights, which are drawn from as they are",
                                file.path.string()));
    return model.raw();
}

std::vector<std::size_t> class_rows(std::size_t count, std::size_t columns, std::size_t classes) {
    std::vector<std::size_t> labels;
    for (std::size_t i = 0; classes > 0 && i < count; ++i) labels.push_back(i / columns % classes);
    return labels;
}

}  // namespace duet::tools
