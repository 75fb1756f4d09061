#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace duet {

/// CRC-32C (Castagnoli), as iSCSI has it: the reflected polynomial 0x82f63b78, all ones before and inverted
/// after. RFC 3720, appendix B.4 has the vectors.
std::uint32_t crc32c(std::span<const std::byte> bytes);

}  // namespace duet
