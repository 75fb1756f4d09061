#include <duet/data/npz.hpp>

#include "reader.hpp"

/// libFuzzer's entry: an archive of NumPy's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return duet::testing::read_hostile(
        data, size, [](auto contents) { duet::parse_npz(contents, "fuzz", duet::testing::most_unpacked); });
}
