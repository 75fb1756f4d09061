#include <xtensor/xarray.hpp>

#include <duet/data/npy.hpp>

#include "reader.hpp"

/// libFuzzer's entry: an array of NumPy's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return duet::testing::read_hostile(data, size, [](auto contents) { duet::parse_npy(contents, "fuzz"); });
}
