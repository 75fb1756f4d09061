#include <cstddef>
#include <cstdint>
#include <span>

#include <duet/data/safetensors.hpp>
#include <duet/graph/error.hpp>
#include <duet/models/gan_file.hpp>

/// libFuzzer's entry: a weights file is read and the model that its metadata describes is built and filled.
/// FileError may refuse it; anything else that leaves the reader is a fault.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const duet::Safetensors file =
            duet::parse_safetensors_as<float>(std::as_bytes(std::span(data, size)), "fuzz");
        const duet::models::GanModel model =
            duet::models::make_gan(duet::models::shape_from_metadata(file, "fuzz"), 0);
        duet::models::load_weights(model, file, "fuzz");
    } catch (const duet::FileError&) {
    }
    return 0;
}
