#include <duet/data/npy.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <optional>
#include <xtensor/xarray.hpp>

#include <duet/data/sizes.hpp>
#include <duet/data/stored_values.hpp>
#include <duet/graph/error.hpp>

namespace duet {
namespace {

static_assert(std::endian::native == std::endian::little, "the file formats here are little-endian");

constexpr std::string_view magic("\x93NUMPY\x01\x00", 8);
constexpr std::size_t preamble_bytes = magic.size() + 2;
constexpr std::size_t alignment = 64;
constexpr std::string_view before_shape = "{'descr': '<f4', 'fortran_order': False, 'shape': (";

/// What a .npy header says.
struct Header {
    std::string_view type;
    bool column_major = false;
    std::vector<std::size_t> shape;
};

/// Takes text off the front if it starts so.
bool take(std::string_view& text, std::string_view start) {
    if (!text.starts_with(start)) return false;
    text.remove_prefix(start.size());
    return true;
}

/// The sizes of a shape up to its closing bracket, as Python spells a tuple.
std::optional<std::vector<std::size_t>> take_shape(std::string_view& header) {
    std::vector<std::size_t> shape;
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
    return shape;
}

/// A header exactly as NumPy spells it; nothing for any other.
std::optional<Header> parse_header(std::string_view text) {
    Header header;
    if (!take(text, "{'descr': '")) return std::nullopt;
    header.type = text.substr(0, 3);
    if (!take(text, "<f4") && !take(text, "<f8") && !take(text, "<i8") && !take(text, "|u1"))
        return std::nullopt;
    if (!take(text, "', 'fortran_order': ")) return std::nullopt;
    header.column_major = take(text, "True");
    if (!header.column_major && !take(text, "False")) return std::nullopt;
    if (!take(text, ", 'shape': (")) return std::nullopt;
    std::optional<std::vector<std::size_t>> shape = take_shape(text);
    if (!shape || !take(text, ", }")) return std::nullopt;
    header.shape = std::move(*shape);
    while (take(text, " ")) {
    }
    if (text != "\n") return std::nullopt;
    return header;
}

template <class Stored>
void copy_values(std::string_view data, Array& array, std::string_view origin) {
    if (const auto beyond = copy_stored<Stored>(std::as_bytes(std::span(data)), array.data()))
        throw FileError(fmt::format("{}: holds {}, which is beyond float32", origin, *beyond));
}

/// The same values with the axes in the other order.
Array with_axes_reversed(const Array& array) {
    const std::vector<std::size_t> extents(array.shape().rbegin(), array.shape().rend());
    Array reversed = Array::from_shape(extents);
    std::vector<std::size_t> strides(extents.size(), 1), place(extents.size(), 0);
    for (std::size_t axis = 1; axis < extents.size(); ++axis)
        strides[axis] = strides[axis - 1] * extents[axis - 1];
    std::size_t from = 0;
    for (std::size_t to = 0; to < reversed.size(); ++to) {
        reversed.data()[to] = array.data()[from];
        for (std::size_t axis = extents.size(); axis-- > 0;) {
            from += strides[axis];
            if (++place[axis] < extents[axis]) break;
            from -= strides[axis] * extents[axis];
            place[axis] = 0;
        }
    }
    return reversed;
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
    auto header = parse_header(text.substr(preamble_bytes, header_bytes));
    if (!header) {
        throw FileError(fmt::format(
            "{}: unexpected .npy header {}, expected little-endian '<f4', '<f8', '<i8' or '|u1' as NumPy "
            "writes it",
            origin, quoted_for_message(text.substr(preamble_bytes, header_bytes))));
    }
    const std::string_view data = text.substr(preamble_bytes + header_bytes);
    const std::size_t element_bytes = header->type == "|u1"   ? 1
                                      : header->type == "<f4" ? sizeof(float)
                                                              : sizeof(double);
    const std::optional<std::uint64_t> count = checked_element_count(header->shape);
    if (!count || data.size() % element_bytes != 0 || data.size() / element_bytes != *count) {
        throw FileError(fmt::format("{}: the .npy header's shape ({}) does not match the {} bytes of data",
                                    origin, join_sizes(header->shape), data.size()));
    }
    if (header->column_major) std::reverse(header->shape.begin(), header->shape.end());
    Array array = Array::from_shape(header->shape);
    if (header->type == "<f4")
        copy_values<float>(data, array, origin);
    else if (header->type == "<f8")
        copy_values<double>(data, array, origin);
    else if (header->type == "|u1")
        copy_values<std::uint8_t>(data, array, origin);
    else
        copy_values<std::int64_t>(data, array, origin);
    return header->column_major ? with_axes_reversed(array) : array;
}

}  // namespace duet
