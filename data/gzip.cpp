#include <duet/data/gzip.hpp>

#define ZLIB_CONST
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <new>

#include <duet/data/sizes.hpp>
#include <duet/graph/error.hpp>

namespace duet {
namespace {

constexpr std::size_t input_step = std::size_t{1} << 20;
constexpr std::size_t output_step = std::size_t{1} << 20;

class Inflater {
 public:
    Inflater() {
        constexpr int gzip_only = 16;
        if (inflateInit2(&stream, MAX_WBITS + gzip_only) != Z_OK) throw std::bad_alloc();
    }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
    ~Inflater() { inflateEnd(&stream); }

    z_stream stream{};
};

enum class Overflow { fails, ends };

Bytes decompress(std::span<const std::byte> contents, std::uint64_t max_bytes, Overflow overflow,
                 std::string_view origin) {
    Inflater inflater;
    z_stream& stream = inflater.stream;
    const std::uint64_t reachable = (contents.size() + 1) * largest_deflate_ratio;
    const auto limit = static_cast<std::size_t>(std::min(max_bytes, reachable));
    Bytes output;
    output.reserve(limit);
    std::size_t produced = 0;
    std::size_t fed = 0;
    Bytef beyond = 0;
    while (true) {
        if (stream.avail_in == 0 && fed < contents.size()) {
            const std::size_t size = std::min(input_step, contents.size() - fed);
            stream.next_in = reinterpret_cast<const Bytef*>(contents.data() + fed);
            stream.avail_in = static_cast<uInt>(size);
            fed += size;
        }
        const bool full = produced == limit;
        if (full && overflow == Overflow::ends) break;
        if (!full && produced == output.size()) output.resize(std::min(limit, produced + output_step));
        const std::size_t room = full ? 1 : output.size() - produced;
        stream.next_out = full ? &beyond : output.data() + produced;
        stream.avail_out = static_cast<uInt>(room);
        const int code = inflate(&stream, Z_NO_FLUSH);
        const std::size_t written = room - stream.avail_out;
        if (full && written > 0) {
            throw FileError(
                fmt::format("{}: decompresses to more than {} bytes, the most expected here", origin, limit));
        }
        if (!full) produced += written;
        if (code == Z_STREAM_END) {
            if (stream.avail_in == 0 && fed == contents.size()) break;
            inflateReset(&stream);
        } else if (code == Z_BUF_ERROR) {
            throw FileError(
                fmt::format("{}: the gzip data end too early, after {} bytes; is the file truncated?", origin,
                            contents.size()));
        } else if (code == Z_MEM_ERROR) {
            throw std::bad_alloc();
        } else if (code != Z_OK) {
            throw FileError(fmt::format("{}: the gzip data are damaged: {}", origin,
                                        stream.msg != nullptr ? stream.msg : "no reason given"));
        }
    }
    output.resize(produced);
    return output;
}

}  // namespace

bool is_gzip(std::span<const std::byte> contents) {
    return contents.size() >= 2 && contents[0] == std::byte{0x1f} && contents[1] == std::byte{0x8b};
}

Bytes gunzip(std::span<const std::byte> contents, std::uint64_t max_bytes, std::string_view origin) {
    return decompress(contents, max_bytes, Overflow::fails, origin);
}

Bytes gunzip_prefix(std::span<const std::byte> contents, std::size_t count, std::string_view origin) {
    return decompress(contents, count, Overflow::ends, origin);
}

}  // namespace duet
