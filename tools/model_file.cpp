#include "model_file.hpp"

#include <cmath>

#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/data/safetensors.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/gan_file.hpp>

namespace duet::tools {

namespace {

struct ImageSize {
    std::size_t height;
    std::size_t width;
};

/// The image size of a file without metadata: the pixels are what the discriminator takes in.
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

models::GanShape shape_of_model(const Safetensors& file, const std::filesystem::path& path,
                                const std::optional<models::ModelKind>& given, const Dataset* data) {
    if (file.metadata.contains("model")) return models::shape_from_metadata(file, path);
    if (!given)
        throw Error(
            fmt::format("{}: has no metadata that says what model it holds: give --model", path.string()));
    if (*given == models::ModelKind::mlp) {
        const ImageSize image =
            data != nullptr ? ImageSize{data->height, data->width} : square_image(file, path);
        return models::shape_from_weights(file, path, image.height, image.width);
    }
    if (data == nullptr)
        throw Error(fmt::format(
            "{}: has no metadata, and of weights without any only those of mlp can be drawn from: "
            "`duet train --init` adds it",
            path.string()));
    return models::default_shape(*given, data->height, data->width, data->channels,
                                 *given == models::ModelKind::cgan ? data->classes() : 0);
}

}  // namespace

models::GanModel load_model(const std::filesystem::path& path, const std::optional<models::ModelKind>& given,
                            const Dataset* data) {
    const Safetensors file = read_safetensors(path);
    models::GanModel model = models::make_gan(shape_of_model(file, path, given, data), 0);
    models::load_weights(model, file, path);
    return model;
}

std::vector<std::size_t> class_rows(std::size_t count, std::size_t columns, std::size_t classes) {
    std::vector<std::size_t> labels;
    for (std::size_t i = 0; classes > 0 && i < count; ++i) labels.push_back(i / columns % classes);
    return labels;
}

}  // namespace duet::tools
