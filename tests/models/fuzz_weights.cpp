#include <cstddef>
#include <cstdint>
#include <span>

#include <duet/data/safetensors.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/weights.hpp>

/// libFuzzer's entry: a weights file is read and the model that its metadata describes is built and filled.
/// FileError may refuse it; anything else that leaves the reader is a fault.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const duet::Safetensors file =
            duet::parse_safetensors_as<float>(std::as_bytes(std::span(data, size)), "fuzz");
        static const duet::models::Catalogue catalogue = duet::models::standard_catalogue();
        if (const auto layer = duet::models::layer_in(file, "fuzz"))
            duet::models::model_in(catalogue, *layer, file, "fuzz");
    } catch (const duet::FileError&) {
    }
    return 0;
}
