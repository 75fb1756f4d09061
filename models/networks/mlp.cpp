#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/models/networks/build.hpp>
#include <duet/models/networks/network_rows.hpp>

namespace duet::models {

namespace {

std::vector<Spec> dense_layers(const std::vector<std::size_t>& widths, const char* output, bool spectral) {
    std::vector<Spec> layers;
    for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
        layers.push_back(
            layer("dense", {{"inputs", widths[i]}, {"outputs", widths[i + 1]}}, {{"spectral", {spectral}}}));
        if (i + 2 < widths.size())
            layers.push_back(layer("relu"));
        else if (output != nullptr)
            layers.push_back(layer(output));
    }
    return layers;
}

void check_images(const ImageFormat& images, std::size_t width, const char* which) {
    if (images.classes > 0)
        throw Error(fmt::format("perceptrons take no labels, but images.classes is {}", images.classes));
    if (!images.flat) throw Error("perceptrons take images of the form \"flat\"");
    if (width != images.values())
        throw Error(fmt::format("widths: the {} is {}, images of {}x{} with {} channel(s) have {} values",
                                which, width, images.height, images.width, images.channels, images.values()));
}

std::vector<Spec> generator_layers(const Spec& spec, const ImageFormat& images) {
    const std::vector<std::size_t> widths = spec.wholes("widths");
    check_images(images, widths.back(), "last");
    return dense_layers(widths, "sigmoid", false);
}

std::vector<Spec> discriminator_layers(const Spec& spec, const ImageFormat& images) {
    const std::vector<std::size_t> widths = spec.wholes("widths");
    check_images(images, widths.front(), "first");
    if (widths.back() != 1)
        throw Error(fmt::format("widths: the last is {}; it must be 1, the score", widths.back()));
    return dense_layers(widths, nullptr, spec.text("normalization") == "spectral");
}

std::size_t first_width(const Spec& spec) {
    return spec.wholes("widths").front();
}

}  // namespace

void add_mlp_rows(Catalogue& catalogue) {
    catalogue.add(
        {"network",
         "mlp-generator",
         "dense layers with ReLU between them and a sigmoid at the end; draws in [0, 1]",
         "the article",
         {widths_parameter("from latent to image; 100-128-128-values if not given", 2)},
         ArchitectureBuilder{
             [](const ImageFormat& images) {
                 return std::vector<Setting>{{"widths", list_of_numbers({100, 128, 128, images.values()})}};
             },
             generator_layers, first_width}});
    catalogue.add(
        {"network",
         "mlp-discriminator",
         "dense layers with ReLU between them; ends in a linear score",
         "the article",
         {widths_parameter("from image to score; values-128-128-1 if not given", 2), none_or_spectral()},
         ArchitectureBuilder{
             [](const ImageFormat& images) {
                 return std::vector<Setting>{{"widths", list_of_numbers({images.values(), 128, 128, 1})}};
             },
             discriminator_layers, first_width}});
}

}  // namespace duet::models
