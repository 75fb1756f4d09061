#include <duet/data/idx.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include <duet/data/gzip.hpp>
#include <duet/graph/error.hpp>

namespace duet {
namespace {

constexpr std::size_t magic_bytes = 4;
constexpr std::size_t size_bytes = 4;
constexpr std::size_t most_dimensions = 4;
constexpr std::size_t longest_header = magic_bytes + most_dimensions * size_bytes;
constexpr unsigned unsigned_byte_type = 0x08;

struct Header {
    std::vector<std::size_t> shape;
    std::size_t bytes = 0;       // of the header itself
    std::uint64_t expected = 0;  // of the whole file
};

std::uint32_t big_endian(std::span<const std::uint8_t> bytes) {
    std::uint32_t value = 0;
    for (const std::uint8_t byte : bytes.first(size_bytes)) value = value << 8 | byte;
    return value;
}

/// `start` is the file's beginning: longest_header bytes of it, or all if it has fewer.
Header parse_header(std::span<const std::uint8_t> start, std::string_view origin) {
    if (start.size() < magic_bytes) {
        throw FileError(fmt::format("{}: not an IDX file: it has {} bytes, the magic number alone takes {}",
                                    origin, start.size(), magic_bytes));
    }
    const std::uint32_t magic = big_endian(start);
    if (start[0] != 0 || start[1] != 0) {
        throw FileError(fmt::format(
            "{}: not an IDX file: its magic number is 0x{:08x}, expected 0x000008NN with NN dimensions",
            origin, magic));
    }
    if (start[2] != unsigned_byte_type) {
        throw FileError(fmt::format(
            "{}: IDX element type is 0x{:02x} (magic number 0x{:08x}), expected 0x08, unsigned bytes", origin,
            start[2], magic));
    }
    const std::size_t dimensions = start[3];
    if (dimensions < 1 || dimensions > most_dimensions) {
        throw FileError(
            fmt::format("{}: IDX number of dimensions is {} (magic number 0x{:08x}), expected 1 to {}",
                        origin, dimensions, magic, most_dimensions));
    }
    Header header;
    header.bytes = magic_bytes + dimensions * size_bytes;
    if (start.size() < header.bytes) {
        throw FileError(
            fmt::format("{}: IDX header is cut short: {} dimensions need {} bytes, the file has {}", origin,
                        dimensions, header.bytes, start.size()));
    }
    for (std::size_t i = 0; i < dimensions; ++i) {
        header.shape.push_back(big_endian(start.subspan(magic_bytes + i * size_bytes)));
    }
    std::uint64_t values = 1;
    const bool empty = std::find(header.shape.begin(), header.shape.end(), 0) != header.shape.end();
    if (empty) values = 0;
    for (const std::size_t size : header.shape) {
        // Below the limit before, so at most 2^62 after.
        values *= size;
        if (values > max_idx_bytes) {
            throw FileError(fmt::format("{}: IDX header asks for {} values, more than the {} bytes allowed",
                                        origin, fmt::join(header.shape, " x "), max_idx_bytes));
        }
    }
    header.expected = header.bytes + values;
    return header;
}

void check_size(const Header& header, std::uint64_t found, std::string_view origin) {
    if (found == header.expected) return;
    throw FileError(fmt::format(
        "{}: IDX header says {} values, so {} bytes with the header, but {} {}: the file is {}", origin,
        fmt::join(header.shape, " x "), header.expected, found, found == 1 ? "is there" : "are there",
        found < header.expected ? "truncated or its header lies" : "too long or its header lies"));
}

Idx parse_gzip(std::span<const std::byte> contents, std::string_view origin) {
    Header header = parse_header(gunzip_prefix(contents, longest_header, origin), origin);
    Bytes bytes = gunzip(contents, header.expected, origin);
    check_size(header, bytes.size(), origin);
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(header.bytes));
    return {std::move(header.shape), std::move(bytes)};
}

Idx parse_plain(Bytes bytes, std::string_view origin) {
    Header header = parse_header(std::span(bytes).first(std::min(bytes.size(), longest_header)), origin);
    check_size(header, bytes.size(), origin);
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(header.bytes));
    return {std::move(header.shape), std::move(bytes)};
}

}  // namespace

Idx read_idx(const std::filesystem::path& path) {
    Bytes bytes = read_file(path, max_idx_bytes + longest_header);
    const auto view = std::as_bytes(std::span(bytes));
    return is_gzip(view) ? parse_gzip(view, path.string()) : parse_plain(std::move(bytes), path.string());
}

Idx parse_idx(std::span<const std::byte> contents, std::string_view origin) {
    if (is_gzip(contents)) return parse_gzip(contents, origin);
    const auto* start = reinterpret_cast<const std::uint8_t*>(contents.data());
    return parse_plain(Bytes(start, start + contents.size()), origin);
}

}  // namespace duet
