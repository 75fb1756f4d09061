#include <cstddef>
#include <cstdint>

#include <duet/graph/error.hpp>

#include "../../tools/metrics_table.hpp"

/// libFuzzer's entry: the bytes are a metrics.csv, which may be refused with FileError; anything else that
/// leaves the reader is a fault.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        duet::tools::parse_metrics({reinterpret_cast<const char*>(data), size}, "fuzz");
    } catch (const duet::FileError&) {
    }
    return 0;
}
