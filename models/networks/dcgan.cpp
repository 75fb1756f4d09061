#include <algorithm>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/models/networks/build.hpp>
#include <duet/models/networks/network_rows.hpp>

namespace duet::models {

namespace {

using Widths = std::vector<std::size_t>;

// Kernels are 4x4, as in PyTorch's example, so that each position of a map is made of as many. Scales of
// batch normalisation start from a normal around 1 of deviation 0.02, as in the paper's own code; those of
// classes, and their shifts, from one of 0.5, so that classes are told apart from the first step on.
constexpr std::size_t kernel = 4, most_halvings = 10;
constexpr std::int64_t largest_group = 1 << 16;
constexpr double deviation = 0.02, class_deviation = 0.5;

Setting normal_weights() {
    return {"initializer", {Spec{"normal", {{"deviation", {deviation}}}, {}}}};
}

Spec halving_or_doubling(const char* kind, std::size_t inputs, std::size_t outputs, bool bias,
                         bool spectral = false) {
    return layer(
        kind, {{"inputs", inputs}, {"outputs", outputs}, {"kernel", kernel}, {"stride", 2}, {"padding", 1}},
        {{"bias", {bias}}, {"spectral", {spectral}}, normal_weights()});
}

Spec batch_norm(std::size_t channels, std::size_t classes, double scale_deviation) {
    return layer("batch-norm", {{"channels", channels}, {"classes", classes}},
                 {{"scale_deviation", {scale_deviation}}});
}

void check_images(const ImageFormat& images, std::size_t halvings) {
    if (images.flat) throw Error("convolutional networks take images of the form \"maps\"");
    const bool fit = halvings <= most_halvings && images.height % (std::size_t{1} << halvings) == 0 &&
                     images.width % (std::size_t{1} << halvings) == 0;
    if (!fit)
        throw Error(fmt::format(
            "widths: images of {}x{} do not fit {} layers of stride 2, each of which halves the sides",
            images.height, images.width, halvings));
}

std::vector<Spec> generator_layers(const Spec& spec, const ImageFormat& images) {
    const Widths widths = spec.wholes("widths"), maps(widths.begin() + 1, widths.end());
    check_images(images, maps.size());
    const std::size_t height = images.height >> maps.size(), width = images.width >> maps.size();
    std::vector<Spec> layers{layer("dense", {{"inputs", widths[0]}, {"outputs", maps[0] * height * width}},
                                   {{"bias", {false}}, normal_weights()}),
                             layer("reshape", {}, {{"extents", list_of_numbers({maps[0], height, width})}})};
    for (std::size_t i = 0; i < maps.size(); ++i) {
        const bool last = i + 1 == maps.size();
        layers.push_back(
            batch_norm(maps[i], images.classes, images.classes > 0 ? class_deviation : deviation));
        layers.push_back(layer("relu"));
        layers.push_back(
            halving_or_doubling("conv-transpose2d", maps[i], last ? images.channels : maps[i + 1], last));
    }
    layers.push_back(layer("tanh"));
    return layers;
}

std::vector<Spec> discriminator_layers(const Spec& spec, const ImageFormat& images) {
    const Widths maps = spec.wholes("widths");
    check_images(images, maps.size());
    const std::string& normalization = spec.text("normalization");
    const bool spectral = normalization == "spectral";
    std::vector<Spec> layers;
    for (std::size_t i = 0; i < maps.size(); ++i) {
        const bool normalized = i > 0 && normalization == "batch";
        layers.push_back(halving_or_doubling("conv2d", i == 0 ? images.channels : maps[i - 1], maps[i],
                                             !normalized, spectral));
        if (normalized) layers.push_back(batch_norm(maps[i], 0, deviation));
        layers.push_back(layer("leaky-relu"));
    }
    const std::size_t group = spec.whole("minibatch_deviation");
    if (group > 0) layers.push_back(layer("minibatch-deviation", {{"group", group}}));
    const std::size_t channels = maps.back() + (group > 0 ? 1 : 0);
    const std::size_t features = channels * (images.height >> maps.size()) * (images.width >> maps.size());
    layers.push_back(layer("reshape", {}, {{"extents", list_of_numbers({features})}}));
    layers.push_back(images.classes > 0
                         ? layer("projection", {{"inputs", features}, {"classes", images.classes}},
                                 {{"spectral", {spectral}}, normal_weights()})
                         : layer("dense", {{"inputs", features}, {"outputs", 1}},
                                 {{"spectral", {spectral}}, normal_weights()}));
    return layers;
}

/// 64 channels at half the sides, twice as many with each further halving, down to sides of 4 to 7.
Widths fitting_maps(const ImageFormat& images) {
    constexpr std::size_t largest_first_side = 7, least_first_side = 4, first_width = 64;
    std::size_t halvings = 0;
    const auto side = [&](std::size_t whole) { return whole >> halvings; };
    const auto even = [&] { return side(images.height) % 2 == 0 && side(images.width) % 2 == 0; };
    Widths maps;
    while (std::max(side(images.height), side(images.width)) > largest_first_side && even())
        maps.push_back(first_width << halvings++);
    if (halvings == 0 || std::max(side(images.height), side(images.width)) > largest_first_side ||
        std::min(side(images.height), side(images.width)) < least_first_side)
        throw Error(fmt::format(
            "images of {}x{} do not fit: strides of 2 must halve both sides, without remainder, down to 4 to "
            "7, as they do 28x28, 32x32 and 64x64",
            images.height, images.width));
    return maps;
}

std::vector<Setting> fitting_generator(const ImageFormat& images) {
    constexpr std::size_t latent = 100;
    Widths widths = fitting_maps(images);
    widths.push_back(latent);
    std::reverse(widths.begin(), widths.end());
    return {{"widths", list_of_numbers(widths)}};
}

std::vector<Setting> fitting_discriminator(const ImageFormat& images) {
    return {{"widths", list_of_numbers(fitting_maps(images))}};
}

std::size_t latent_of(const Spec& spec) {
    return spec.wholes("widths").front();
}

}  // namespace

void add_dcgan_rows(Catalogue& catalogue) {
    catalogue.add(
        {"network",
         "dcgan-generator",
         "a dense layer, then transposed convolutions that double the sides, with batch normalisation and "
         "ReLU; "
         "tanh at the end: draws in [-1, 1]. With classes its batch normalisation is conditional",
         "Radford et al. 2015, section 3; Miyato and Koyama 2018",
         {widths_parameter(
             "the latent, then the channels of each map; as the images' sides want if not given", 2)},
         ArchitectureBuilder{fitting_generator, generator_layers, latent_of}});
    catalogue.add(
        {"network",
         "dcgan-discriminator",
         "convolutions that halve the sides, with leaky ReLU, then a linear score; with classes a projection",
         "Radford et al. 2015, section 3; Miyato and Koyama 2018",
         {widths_parameter("the channels of each map; as the images' sides want if not given", 1),
          {"normalization",
           "batch, none: a critic under the gradient penalty must score each image by itself; or spectral: "
           "each "
           "weight divided by its spectral norm (Miyato et al. 2018)",
           one_of({"batch", "none", "spectral"}),
           {{std::string("batch")}}},
          {"minibatch_deviation",
           "samples a group of the layer minibatch-deviation before the score (Karras et al. 2018); 0 for "
           "none",
           whole_number(0, largest_group),
           {{std::int64_t{0}}}}},
         ArchitectureBuilder{fitting_discriminator, discriminator_layers,
                             [](const Spec&) { return std::size_t{0}; }}});
}

}  // namespace duet::models
