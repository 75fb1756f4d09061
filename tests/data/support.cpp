#include "support.hpp"

#include <zlib.h>

namespace duet::testing {

Bytes gzip(const Bytes& bytes) {
    z_stream stream{};
    constexpr int gzip_only = 16;
    if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + gzip_only, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK) {
        throw std::runtime_error("deflateInit2");
    }
    Bytes input = bytes;
    Bytes output(deflateBound(&stream, static_cast<uLong>(input.size())) + 32);
    stream.next_in = input.data();
    stream.avail_in = static_cast<uInt>(input.size());
    stream.next_out = output.data();
    stream.avail_out = static_cast<uInt>(output.size());
    const int code = deflate(&stream, Z_FINISH);
    const uLong size = stream.total_out;
    deflateEnd(&stream);
    if (code != Z_STREAM_END) throw std::runtime_error("deflate");
    output.resize(size);
    return output;
}

}  // namespace duet::testing
