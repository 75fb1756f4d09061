#include <duet/data/png.hpp>

#include "reader.hpp"

/// libFuzzer's entry: a picture.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return duet::testing::read_hostile(data, size, [](auto contents) { duet::parse_png(contents, "fuzz"); });
}
