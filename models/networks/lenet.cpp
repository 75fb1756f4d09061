#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/models/networks/build.hpp>
#include <duet/models/networks/network_rows.hpp>

namespace duet::models {

namespace {

constexpr std::size_t kernel = 5, halvings = 2;

std::vector<Spec> layers_of(const Spec& spec, const ImageFormat& images) {
    const std::vector<std::size_t> widths = spec.wholes("widths");
    if (images.flat) throw Error("convolutional networks take images of the form \"maps\"");
    std::size_t height = images.height, width = images.width, channels = images.channels;
    std::vector<Spec> layers;
    for (std::size_t i = 0; i < halvings; ++i) {
        layers.push_back(layer(
            "conv2d",
            {{"inputs", channels}, {"outputs", widths[i]}, {"kernel", kernel}, {"padding", kernel / 2}}));
        layers.push_back(layer("relu"));
        layers.push_back(layer("max-pool"));
        channels = widths[i];
        height /= 2;
        width /= 2;
    }
    if (height == 0 || width == 0)
        throw Error(fmt::format("images of {}x{} are too small to be halved {} times", images.height,
                                images.width, halvings));
    const std::size_t values = channels * height * width;
    layers.push_back(layer("reshape", {}, {{"extents", list_of_numbers({values})}}));
    layers.push_back(layer("dense", {{"inputs", values}, {"outputs", widths.back()}}));
    layers.push_back(layer("relu"));
    return layers;
}

}  // namespace

void add_lenet_rows(Catalogue& catalogue) {
    constexpr std::int64_t largest_width = 1 << 24;
    catalogue.add({"network",
                   "lenet",
                   "two convolutions of 5x5 with ReLU, each before a max pool that halves the sides, then a "
                   "dense layer with ReLU: features of an image",
                   "LeCun et al. 1998, section II.B",
                   {{"widths",
                     "channels of both convolutions, then the features",
                     whole_numbers(3, 3, largest_width),
                     {list_of_numbers({32, 64, 128})}}},
                   ArchitectureBuilder{[](const ImageFormat&) { return std::vector<Setting>{}; }, layers_of,
                                       [](const Spec&) { return std::size_t{0}; }}});
}

}  // namespace duet::models
