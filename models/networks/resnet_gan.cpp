#include <cmath>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/models/networks/build.hpp>
#include <duet/models/networks/network_rows.hpp>

namespace duet::models {

namespace {

using Widths = std::vector<std::size_t>;

constexpr std::size_t first_side = 4, most_doublings = 10;

Spec conv3x3(std::size_t inputs, std::size_t outputs, double gain, bool spectral = false) {
    return layer(
        "conv2d", {{"inputs", inputs}, {"outputs", outputs}, {"kernel", 3}, {"padding", 1}},
        {{"spectral", {spectral}}, {"initializer", {Spec{"glorot-uniform", {{"gain", {gain}}}, {}}}}});
}

Spec conv1x1(std::size_t inputs, std::size_t outputs, bool spectral = false) {
    return layer("conv2d", {{"inputs", inputs}, {"outputs", outputs}, {"kernel", 1}},
                 {{"spectral", {spectral}}});
}

Spec residual(const std::vector<Spec>& main, const std::vector<Spec>& shortcut) {
    return layer("residual", {}, {{"main", list_of_specs(main)}, {"shortcut", list_of_specs(shortcut)}});
}

Spec upsampling_block(std::size_t inputs, std::size_t outputs, std::size_t classes) {
    const double gain = std::sqrt(2.0);
    return residual(
        {layer("batch-norm", {{"channels", inputs}, {"classes", classes}}), layer("relu"), layer("upsample"),
         conv3x3(inputs, outputs, gain), layer("batch-norm", {{"channels", outputs}, {"classes", classes}}),
         layer("relu"), conv3x3(outputs, outputs, gain)},
        {layer("upsample"), conv1x1(inputs, outputs)});
}

/// The first block begins without ReLU, and pools before its shortcut's convolution.
Spec first_block(std::size_t inputs, std::size_t outputs, bool spectral) {
    const double gain = std::sqrt(2.0);
    return residual({conv3x3(inputs, outputs, gain, spectral), layer("relu"),
                     conv3x3(outputs, outputs, gain, spectral), layer("average-pool")},
                    {layer("average-pool"), conv1x1(inputs, outputs, spectral)});
}

Spec block(std::size_t inputs, std::size_t outputs, bool halving, bool spectral) {
    const double gain = std::sqrt(2.0);
    std::vector<Spec> main{layer("relu"), conv3x3(inputs, outputs, gain, spectral), layer("relu"),
                           conv3x3(outputs, outputs, gain, spectral)},
        shortcut;
    if (halving || inputs != outputs) shortcut.push_back(conv1x1(inputs, outputs, spectral));
    if (halving) {
        main.push_back(layer("average-pool"));
        shortcut.push_back(layer("average-pool"));
    }
    return residual(main, shortcut);
}

void check_form(const ImageFormat& images) {
    if (images.flat) throw Error("convolutional networks take images of the form \"maps\"");
}

std::vector<Spec> generator_layers(const Spec& spec, const ImageFormat& images) {
    check_form(images);
    const Widths widths = spec.wholes("widths");
    const std::size_t blocks = widths.size() - 2;
    const std::size_t side = blocks > most_doublings ? 0 : first_side << blocks;
    if (images.height != side || images.width != side)
        throw Error(
            fmt::format("widths: images of {}x{} do not fit a generator of {} blocks, each of which doubles "
                        "the sides from "
                        "4x4 on: it draws {}x{}",
                        images.height, images.width, blocks, side, side));
    std::vector<Spec> layers{
        layer("dense", {{"inputs", widths[0]}, {"outputs", widths[1] * first_side * first_side}}),
        layer("reshape", {}, {{"extents", list_of_numbers({widths[1], first_side, first_side})}})};
    for (std::size_t i = 1; i + 1 < widths.size(); ++i)
        layers.push_back(upsampling_block(widths[i], widths[i + 1], images.classes));
    layers.push_back(layer("batch-norm", {{"channels", widths.back()}}));
    layers.push_back(layer("relu"));
    layers.push_back(conv3x3(widths.back(), images.channels, 1.0));
    layers.push_back(layer("tanh"));
    return layers;
}

std::vector<Spec> discriminator_layers(const Spec& spec, const ImageFormat& images) {
    check_form(images);
    const Widths widths = spec.wholes("widths");
    const bool spectral = spec.text("normalization") == "spectral";
    std::vector<Spec> layers{first_block(images.channels, widths[0], spectral)};
    for (std::size_t i = 1; i < widths.size(); ++i)
        layers.push_back(block(widths[i - 1], widths[i], i == 1, spectral));
    layers.push_back(layer("relu"));
    layers.push_back(layer("sum-positions"));
    layers.push_back(
        images.classes > 0
            ? layer("projection", {{"inputs", widths.back()}, {"classes", images.classes}},
                    {{"spectral", {spectral}}})
            : layer("dense", {{"inputs", widths.back()}, {"outputs", 1}}, {{"spectral", {spectral}}}));
    return layers;
}

std::vector<Setting> fitting_generator(const ImageFormat& images) {
    constexpr std::size_t latent = 128, width = 256;
    std::size_t doublings = 1;
    while (doublings < most_doublings && (first_side << doublings) < images.height) ++doublings;
    if (images.width != images.height || (first_side << doublings) != images.height)
        throw Error(
            fmt::format("images of {}x{} do not fit: blocks double the sides from 4x4 on, to 32x32 or 64x64",
                        images.height, images.width));
    Widths widths{latent};
    widths.resize(doublings + 2, width);
    return {{"widths", list_of_numbers(widths)}};
}

std::size_t latent_of(const Spec& spec) {
    return spec.wholes("widths").front();
}

}  // namespace

void add_resnet_rows(Catalogue& catalogue) {
    catalogue.add({"network",
                   "resnet-generator",
                   "a dense layer, residual blocks that double the sides from 4x4 on, tanh at the end: draws "
                   "in [-1, 1]. "
                   "With classes its batch normalisation is conditional",
                   "Miyato et al. 2018, table 3",
                   {widths_parameter(
                       "the latent, the channels of the first map and of each block; 128-256-256-... if not "
                       "given",
                       3)},
                   ArchitectureBuilder{fitting_generator, generator_layers, latent_of}});
    catalogue.add({"network",
                   "resnet-discriminator",
                   "residual blocks, the first two of which halve the sides, the sum over positions and a "
                   "linear score; "
                   "with classes a projection",
                   "Miyato et al. 2018, table 3 and figure 8, where normalization is spectral",
                   {widths_parameter("the channels of each block; 128-128-128-128 if not given", 2),
                    none_or_spectral()},
                   ArchitectureBuilder{
                       [](const ImageFormat&) {
                           return std::vector<Setting>{{"widths", list_of_numbers({128, 128, 128, 128})}};
                       },
                       discriminator_layers, [](const Spec&) { return std::size_t{0}; }}});
}

}  // namespace duet::models
