#include <cstdlib>

#include <duet/data/toml.hpp>
#include <duet/models/training/checkpoint.hpp>

#include "reader.hpp"

namespace {

void read(std::span<const std::byte> contents) {
    try {
        const duet::models::Checkpoint checkpoint = duet::models::parse_checkpoint(contents, "fuzz");
        duet::parse_toml(checkpoint.notes.recipe, "fuzz");
    } catch (const duet::FileError&) {
        throw;
    } catch (const duet::Error& error) {
        if (std::string_view(error.what()).find("schema") == std::string_view::npos) std::abort();
    }
}

}  // namespace

/// libFuzzer's entry: a checkpoint as it is, and with the CRC-32 that it should have.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    duet::testing::read_hostile(data, size, [](auto contents) { read(contents); });
    return duet::testing::read_hostile(data, size, [](auto contents) {
        duet::Safetensors file = duet::parse_safetensors_as<float>(contents, "fuzz");
        file.metadata["crc32"] = duet::models::checkpoint_checksum(file);
        const duet::Bytes mended = encode_safetensors(file);
        read(std::as_bytes(std::span(mended)));
    });
}
