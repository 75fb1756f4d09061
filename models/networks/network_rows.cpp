#include <duet/models/networks/network_rows.hpp>

#include <numeric>

#include <fmt/format.h>

#include <duet/graph/error.hpp>

namespace duet::models {

namespace {

/// Throws Error for layers, or layers in them, of other classes than the images': a label must be one of
/// both.
void check_classes(const std::vector<Spec>& layers, std::size_t classes, const std::string& at) {
    for (std::size_t i = 0; i < layers.size(); ++i)
        for (const Setting& setting : layers[i].with) {
            const std::string path = fmt::format("{}.{}.{}", at, i, setting.key);
            const auto* number = std::get_if<std::int64_t>(&setting.value.is);
            const auto* list = std::get_if<std::vector<Value>>(&setting.value.is);
            if (list != nullptr && !list->empty() && std::holds_alternative<Spec>(list->front().is))
                check_classes(layers[i].specs(setting.key), classes, path);
            else if (setting.key == "classes" && number != nullptr && *number != 0 &&
                     static_cast<std::size_t>(*number) != classes)
                throw Error(fmt::format("{} is {}, but images.classes is {}", path, *number, classes));
        }
}

}  // namespace

Parameter widths_parameter(const char* help, std::size_t least) {
    constexpr std::size_t most_layers = 64;
    constexpr std::int64_t largest_width = 1 << 24;
    return {"widths", help, whole_numbers(least, most_layers, largest_width)};
}

Parameter none_or_spectral() {
    return {"normalization",
            "none, or spectral: each weight divided by its spectral norm (Miyato et al. 2018)",
            one_of({"none", "spectral"}),
            {{std::string("none")}}};
}

void add_network_rows(Catalogue& catalogue) {
    add_mlp_rows(catalogue);
    add_dcgan_rows(catalogue);
    add_resnet_rows(catalogue);
    add_lenet_rows(catalogue);
    constexpr std::int64_t largest = 1 << 24;
    catalogue.add(
        {"network",
         "layers",
         "any chain of layers",
         "",
         {{"inputs", "values a sample that goes into it", whole_number(1, largest)},
          {"layers", "the layers in their order", specs_of("layer")}},
         ArchitectureBuilder{
             [](const ImageFormat& images) {
                 return std::vector<Setting>{{"inputs", {static_cast<std::int64_t>(images.values())}}};
             },
             [](const Spec& spec, const ImageFormat& images) {
                 std::vector<Spec> layers = spec.specs("layers");
                 check_classes(layers, images.classes, "layers");
                 return layers;
             },
             [](const Spec& spec) { return spec.whole("inputs"); }}});
}

}  // namespace duet::models
