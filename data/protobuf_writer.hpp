#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <duet/data/file.hpp>

namespace duet {

/// Writes one message in the wire format of Protocol Buffers, field after field in the order of the calls:
/// https://protobuf.dev/programming-guides/encoding/. A field is a tag, its number times 8 plus its wire
/// type, and a payload: 0 a varint, seven bits a byte, lowest first, the top bit set in all but the last; 1
/// eight bytes; 2 a varint length and as many bytes; 5 four bytes. Numbers are little-endian. A repeated
/// field is written once an element. Fields are numbered from 1 to 2^29 - 1, which is asserted.
class ProtobufWriter {
 public:
    /// int32, int64, uint64, bool or enum. Negative ones take ten bytes.
    void add_integer(std::uint32_t field, std::int64_t value);
    /// float, as its four bytes.
    void add_float(std::uint32_t field, float value);
    /// double, as its eight bytes.
    void add_double(std::uint32_t field, double value);
    /// string, which must be UTF-8.
    void add_text(std::uint32_t field, std::string_view value);
    /// bytes.
    void add_bytes(std::uint32_t field, std::span<const std::byte> value);
    /// A message within this one.
    void add_message(std::uint32_t field, const ProtobufWriter& message);

    /// The message so far.
    const Bytes& bytes() const { return bytes_; }

 private:
    void add_varint(std::uint64_t value);
    void add_tag(std::uint32_t field, std::uint32_t wire_type);
    void append(std::span<const std::byte> bytes);

    Bytes bytes_;
};

}  // namespace duet
