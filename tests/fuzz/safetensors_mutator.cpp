#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

/// libFuzzer's hook: of eight inputs seven are changed within their header, whose length stays right.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                               unsigned seed) {
    constexpr std::size_t length_bytes = 8;
    std::uint64_t header = 0;
    if (size >= length_bytes) std::memcpy(&header, data, length_bytes);
    if (seed % 8 == 0 || size <= length_bytes || header == 0 || header > size - length_bytes)
        return LLVMFuzzerMutate(data, size, most);
    const std::vector<std::uint8_t> values(data + length_bytes + header, data + size);
    if (most < length_bytes + header + values.size()) return LLVMFuzzerMutate(data, size, most);
    header = LLVMFuzzerMutate(data + length_bytes, header, most - length_bytes - values.size());
    std::memcpy(data, &header, length_bytes);
    if (!values.empty()) std::memcpy(data + length_bytes + header, values.data(), values.size());
    return length_bytes + header + values.size();
}
