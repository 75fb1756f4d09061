#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <duet/graph/error.hpp>

namespace duet::testing {

/// What targets allow an archive to unpack to: 16 MiB.
inline constexpr std::uint64_t most_unpacked = 1 << 24;

/// A fuzzer's bytes as the contents of a file, for a reader that may refuse them with FileError. Whatever
/// else leaves the reader ends the fuzzer: it is a fault.
template <class Read>
int read_hostile(const std::uint8_t* data, std::size_t size, Read read) {
    try {
        read(std::as_bytes(std::span(data, size)));
    } catch (const FileError&) {
    }
    return 0;
}

}  // namespace duet::testing
