#include <duet/data/png_text.hpp>

#include "reader.hpp"

/// libFuzzer's entry: the texts of a picture.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return duet::testing::read_hostile(data, size,
                                       [](auto contents) { duet::parse_png_texts(contents, "fuzz"); });
}
