#include <duet/data/protobuf_writer.hpp>

#include <bit>
#include <cassert>
#include <cstring>

namespace duet {

namespace {

static_assert(std::endian::native == std::endian::little, "the file formats here are little-endian");

constexpr std::uint32_t varint = 0, eight_bytes = 1, length_delimited = 2, four_bytes = 5;
[[maybe_unused]] constexpr std::uint32_t largest_field = (1U << 29) - 1;

}  // namespace

void ProtobufWriter::add_varint(std::uint64_t value) {
    while (value >= 0x80) {
        bytes_.push_back(static_cast<std::uint8_t>(value | 0x80));
        value >>= 7;
    }
    bytes_.push_back(static_cast<std::uint8_t>(value));
}

void ProtobufWriter::add_tag(std::uint32_t field, std::uint32_t wire_type) {
    assert(field >= 1 && field <= largest_field);
    add_varint(std::uint64_t{field} << 3 | wire_type);
}

void ProtobufWriter::append(std::span<const std::byte> bytes) {
    if (bytes.empty()) return;
    const std::size_t before = bytes_.size();
    bytes_.resize(before + bytes.size());
    std::memcpy(bytes_.data() + before, bytes.data(), bytes.size());
}

void ProtobufWriter::add_integer(std::uint32_t field, std::int64_t value) {
    add_tag(field, varint);
    add_varint(static_cast<std::uint64_t>(value));
}

void ProtobufWriter::add_float(std::uint32_t field, float value) {
    add_tag(field, four_bytes);
    append(std::as_bytes(std::span(&value, 1)));
}

void ProtobufWriter::add_double(std::uint32_t field, double value) {
    add_tag(field, eight_bytes);
    append(std::as_bytes(std::span(&value, 1)));
}

void ProtobufWriter::add_text(std::uint32_t field, std::string_view value) {
    add_bytes(field, std::as_bytes(std::span(value)));
}

void ProtobufWriter::add_bytes(std::uint32_t field, std::span<const std::byte> value) {
    assert(bytes_.empty() || value.data() != static_cast<const void*>(bytes_.data()));
    add_tag(field, length_delimited);
    add_varint(value.size());
    append(value);
}

void ProtobufWriter::add_message(std::uint32_t field, const ProtobufWriter& message) {
    add_bytes(field, std::as_bytes(std::span(message.bytes_)));
}

}  // namespace duet
