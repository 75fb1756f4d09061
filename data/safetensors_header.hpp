#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace duet {

/// What a safetensors header says of one array.
struct TensorEntry {
    std::string name;
    std::string dtype;
    std::vector<std::size_t> shape;
    std::uint64_t begin = 0;  ///< bytes from the end of the header
    std::uint64_t end = 0;
};

struct SafetensorsHeader {
    std::vector<TensorEntry> entries;  ///< in the order of the header
    std::map<std::string, std::string> metadata;
};

/// The header from its JSON text. Throws FileError, naming `origin`, if it is not JSON from its first byte to
/// its last, white space after it aside, of exactly the form {"__metadata__": {string: string}, name:
/// {"dtype": string, "shape": [whole...], "data_offsets": [whole, whole]}}, or if a key comes twice. What the
/// offsets and shapes say is not judged here.
SafetensorsHeader parse_safetensors_header(std::string_view text, std::string_view origin);

}  // namespace duet
