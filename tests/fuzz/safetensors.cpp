#include <stdexcept>

#include <duet/data/safetensors.hpp>

#include "reader.hpp"

/// libFuzzer's entry: named arrays. What is accepted is accepted again when it is written.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    duet::testing::read_hostile(data, size, [](auto contents) {
        const duet::Bytes written = encode_safetensors(duet::parse_safetensors_as<float>(contents, "fuzz"));
        try {
            duet::parse_safetensors_as<float>(std::as_bytes(std::span(written)), "written");
        } catch (const duet::FileError& error) {
            throw std::logic_error(error.what());
        }
    });
    return duet::testing::read_hostile(
        data, size, [](auto contents) { duet::parse_safetensors_as<double>(contents, "fuzz"); });
}
