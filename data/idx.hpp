#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include <duet/data/file.hpp>

namespace duet {

/// An array of bytes in LeCun's IDX format: bytes 0 0, the element type (08, unsigned byte), the number of
/// dimensions, each size as 32 bits big-endian, then the values in row-major order and nothing else.
/// http://yann.lecun.com/exdb/mnist
struct Idx {
    std::vector<std::size_t> shape;  ///< one to four sizes; a size may be zero
    Bytes values;                    ///< as many as the product of the sizes
};

/// The most bytes an IDX file may hold, decompressed: 1 GiB.
inline constexpr std::uint64_t max_idx_bytes = std::uint64_t{1} << 30;

/// The array in an IDX file, plain or gzip-compressed (told by the contents, not the name). Throws FileError,
/// naming the path, the field, what was found and what was expected, if the file is not IDX, holds another
/// type than unsigned bytes, has more than four dimensions, or is shorter or longer than its header says.
Idx read_idx(const std::filesystem::path& path);

/// The same from memory; `origin` stands for the path in errors.
Idx parse_idx(std::span<const std::byte> contents, std::string_view origin);

}  // namespace duet
