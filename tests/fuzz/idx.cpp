#include <duet/data/idx.hpp>

#include "reader.hpp"

/// libFuzzer's entry: an IDX file, plain or packed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return duet::testing::read_hostile(data, size, [](auto contents) { duet::parse_idx(contents, "fuzz"); });
}
