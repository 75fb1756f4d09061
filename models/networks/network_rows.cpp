#include <duet/models/networks/network_rows.hpp>

#include <numeric>

namespace duet::models {

Parameter widths_parameter(const char* help, std::size_t least) {
    constexpr std::size_t most_layers = 64;
    constexpr std::int64_t largest_width = 1 << 24;
    return {"widths", help, whole_numbers(least, most_layers, largest_width)};
}

void add_network_rows(Catalogue& catalogue) {
    add_mlp_rows(catalogue);
    add_dcgan_rows(catalogue);
    add_resnet_rows(catalogue);
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
             [](const Spec& spec, const ImageFormat&) { return spec.specs("layers"); },
             [](const Spec& spec) { return spec.whole("inputs"); }}});
}

}  // namespace duet::models
