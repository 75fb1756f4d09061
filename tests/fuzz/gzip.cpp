#include <duet/data/gzip.hpp>

#include "reader.hpp"

/// libFuzzer's entry: packed data, whole and their beginning.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return duet::testing::read_hostile(data, size, [](auto contents) {
        duet::gunzip_prefix(contents, 20, "fuzz");
        duet::gunzip(contents, duet::testing::most_unpacked, "fuzz");
    });
}
