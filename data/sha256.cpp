#include <duet/data/sha256.hpp>

#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nettle/sha2.h>
#include <xtensor/xarray.hpp>

namespace duet {

namespace {

class Hash {
 public:
    Hash() { sha256_init(&context_); }
    void add(std::span<const std::byte> bytes) {
        sha256_update(&context_, bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data()));
    }
    std::string digits() {
        std::array<std::uint8_t, SHA256_DIGEST_SIZE> digest{};
        sha256_digest(&context_, digest.size(), digest.data());
        std::string text;
        for (const std::uint8_t byte : digest) text += fmt::format("{:02x}", byte);
        return text;
    }

 private:
    sha256_ctx context_{};
};

}  // namespace

std::string sha256(std::span<const std::byte> bytes) {
    Hash hash;
    hash.add(bytes);
    return hash.digits();
}

std::string sha256(const Dataset& data) {
    Hash hash;
    std::string sizes =
        fmt::format("{} {} {} {} {}", data.count, data.height, data.width, data.channels, data.labels.size());
    for (const std::string& name : data.class_names) sizes += fmt::format(" {}:{}", name.size(), name);
    hash.add(std::as_bytes(std::span(sizes)));
    hash.add(std::as_bytes(std::span(data.images)));
    hash.add(std::as_bytes(std::span(data.labels)));
    return hash.digits();
}

std::string sha256(std::span<const ArrayView> arrays) {
    Hash hash;
    for (const ArrayView& array : arrays) {
        const std::string name =
            fmt::format("{} {} ({}) ", array.name.size(), array.name, fmt::join(array.value->shape(), ", "));
        hash.add(std::as_bytes(std::span(name)));
        hash.add(std::as_bytes(std::span(array.value->data(), array.value->size())));
    }
    return hash.digits();
}

}  // namespace duet
