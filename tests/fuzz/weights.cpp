#include <duet/data/safetensors.hpp>
#include <duet/models/weights.hpp>

#include "reader.hpp"

/// libFuzzer's entry: a weights file is read, and the model that its metadata describes, or its arrays if it
/// has none, is built and filled.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const duet::models::Catalogue catalogue = duet::models::standard_catalogue();
    return duet::testing::read_hostile(data, size, [](auto contents) {
        const duet::Safetensors file = duet::parse_safetensors_as<float>(contents, "fuzz");
        const auto said = duet::models::layer_in(file, "fuzz");
        const duet::Spec layer = said ? *said : duet::models::layer_from_arrays(file, "fuzz", 4, 4);
        duet::models::model_in(catalogue, layer, file, "fuzz");
        duet::models::position_in(file, "fuzz");
    });
}
