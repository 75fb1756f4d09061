#include <doctest/doctest.h>

#include <duet/data/protobuf_writer.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

TEST_CASE("the bytes of a Protocol Buffers message") {
    ProtobufWriter message;
    SUBCASE("the example of the encoding's page: field 1 is 150") {
        message.add_integer(1, 150);
        CHECK(message.bytes() == Bytes{0x08, 0x96, 0x01});
    }
    SUBCASE("varints at the ends of their lengths") {
        for (const std::int64_t value : {std::int64_t{0}, std::int64_t{127}, std::int64_t{128},
                                         std::int64_t{16383}, std::int64_t{16384}})
            message.add_integer(1, value);
        CHECK(message.bytes() ==
              Bytes{0x08, 0x00, 0x08, 0x7f, 0x08, 0x80, 0x01, 0x08, 0xff, 0x7f, 0x08, 0x80, 0x80, 0x01});
    }
    SUBCASE("a negative number takes ten bytes") {
        message.add_integer(1, -2);
        CHECK(message.bytes() == Bytes{0x08, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01});
    }
    SUBCASE("the largest number") {
        message.add_integer(1, std::numeric_limits<std::int64_t>::max());
        CHECK(message.bytes() == Bytes{0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f});
    }
    SUBCASE("fields from 16 on have a tag of two bytes") {
        message.add_integer(20, 1);
        CHECK(message.bytes() == Bytes{0xa0, 0x01, 0x01});
    }
    SUBCASE("text") {
        message.add_text(2, "testing");
        CHECK(message.bytes() == Bytes{0x12, 0x07, 't', 'e', 's', 't', 'i', 'n', 'g'});
    }
    SUBCASE("nothing as bytes") {
        message.add_bytes(9, {});
        CHECK(message.bytes() == Bytes{0x4a, 0x00});
    }
    SUBCASE("a message in a message") {
        ProtobufWriter inner;
        inner.add_integer(1, 150);
        message.add_message(3, inner);
        CHECK(message.bytes() == Bytes{0x1a, 0x03, 0x08, 0x96, 0x01});
    }
    SUBCASE("real numbers") {
        message.add_float(2, 1.0F);
        message.add_double(1, -2.0);
        CHECK(message.bytes() == Bytes{0x15, 0, 0, 0x80, 0x3f, 0x09, 0, 0, 0, 0, 0, 0, 0, 0xc0});
    }
}
