#include <duet/data/npy.hpp>

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cstring>
#include <optional>
#include <xtensor/xarray.hpp>

#include <duet/data/sizes.hpp>
#include <duet/graph/error.hpp>

namespace duet {
namespace {

static_assert(std::endian::native == std::endian::little, "the file formats here are little-endian");

constexpr std::string_view magic("\x93NUMPY\x01\x00", 8);
constexpr std::size_t preamble_bytes = magic.size() + 2;
constexpr std::size_t alignment = 64;
constexpr std::string_view before_shape = "{'descr': '<f4', 'fortran_order': False, 'shape': (";

/// Takes text off the front if it starts so.
bool take(std::string_view& text, std::string_view start) {
    if (!text.starts_with(start)) return false;
    text.remove_prefix(start.size());
    return true;
}

/// The shape in a header exactly as NumPy spells it; nothing for any other.
std::optional<std::vector<std::size_t>> parse_header(std::string_view header) {
    std::vector<std::size_t> shape;
    if (!take(header, before_shape)) return std::nullopt;
    while (!take(header, ")")) {
        std::size_t size = 0;
        const auto [end, failed] = std::from_chars(header.data(), header.data() + header.size(), size);
        if (failed != std::errc{}) return std::nullopt;
        header.remove_prefix(static_cast<std::size_t>(end - header.data()));
        shape.push_back(size);
        const bool comma = take(header, ",");
        if (!comma && (shape.size() < 2 || !header.starts_with(")"))) return std::nullopt;
        if (comma && shape.size() > 1 && header.starts_with(")")) return std::nullopt;
        take(header, " ");
    }
    if (!take(header, ", }")) return std::nullopt;
    while (take(header, " ")) {
    }
    if (header != "\n") return std::nullopt;
    return shape;
}

}  // namespace

Bytes encode_npy(const Array& array) {
    std::string header(before_shape);
    const auto& shape = array.shape();
    for (std::size_t i = 0; i < shape.size(); ++i) {
        header += fmt::format("{}{}", i == 0 ? "" : ", ", shape[i]);
    }
    header += shape.size() == 1 ? ",), }" : "), }";
    const std::size_t unpadded = preamble_bytes + header.size() + 1;
    header.append((alignment - unpadded % alignment) % alignment, ' ');
    header += '\n';
    if (header.size() > 0xffff) {
        throw Error(fmt::format("an array of {} dimensions does not fit a .npy header", shape.size()));
    }
    std::string start(magic);
    start += static_cast<char>(header.size() & 0xff);
    start += static_cast<char>(header.size() >> 8);
    start += header;
    Bytes contents(start.size() + array.size() * sizeof(float));
    std::memcpy(contents.data(), start.data(), start.size());
    if (array.size() > 0)
        std::memcpy(contents.data() + start.size(), array.data(), array.size() * sizeof(float));
    return contents;
}

void write_npy(const std::filesystem::path& path, const Array& array) {
    const Bytes contents = encode_npy(array);
    write_file_atomically(path, std::as_bytes(std::span(contents)));
}

Array read_npy(const std::filesystem::path& path) {
    const Bytes contents = read_file(path);
    return parse_npy(std::as_bytes(std::span(contents)), path.string());
}

Array parse_npy(std::span<const std::byte> contents, std::string_view origin) {
    const std::string_view text(reinterpret_cast<const char*>(contents.data()), contents.size());
    if (!text.starts_with(magic)) {
        throw FileError(fmt::format("{}: not a .npy file of version 1.0", origin));
    }
    if (text.size() < preamble_bytes) {
        throw FileError(fmt::format("{}: the .npy header is cut short", origin));
    }
    const auto low = static_cast<unsigned char>(text[magic.size()]);
    const auto high = static_cast<unsigned char>(text[magic.size() + 1]);
    const std::size_t header_bytes = low | std::size_t{high} << 8;
    if (text.size() - preamble_bytes < header_bytes) {
        throw FileError(
            fmt::format("{}: the .npy header is cut short: it says {} bytes, the file has {} left", origin,
                        header_bytes, text.size() - preamble_bytes));
    }
    const auto shape = parse_header(text.substr(preamble_bytes, header_bytes));
    if (!shape) {
        throw FileError(
            fmt::format("{}: unexpected .npy header {}, expected row-major little-endian float32 ('<f4') as "
                        "NumPy writes it",
                        origin, quoted_for_message(text.substr(preamble_bytes, header_bytes))));
    }
    const std::string_view data = text.substr(preamble_bytes + header_bytes);
    const std::optional<std::uint64_t> count = checked_element_count(*shape);
    if (!count || data.size() % sizeof(float) != 0 || data.size() / sizeof(float) != *count) {
        throw FileError(fmt::format("{}: the .npy header's shape ({}) does not match the {} bytes of data",
                                    origin, join_sizes(*shape), data.size()));
    }
    Array array = Array::from_shape(*shape);
    if (!data.empty()) std::memcpy(array.data(), data.data(), data.size());
    return array;
}

}  // namespace duet
