#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

#include <duet/data/safetensors.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

template <class T>
ArrayOf<T> counting(const std::vector<std::size_t>& shape) {
    ArrayOf<T> array = ArrayOf<T>::from_shape(shape);
    for (std::size_t i = 0; i < array.size(); ++i) array.data()[i] = static_cast<T>(i) / 3 - 1;
    return array;
}

template <class T>
SafetensorsOf<T> sample() {
    SafetensorsOf<T> contents;
    contents.tensors.push_back({"generator.0.weight", counting<T>({4, 3})});
    contents.tensors.push_back({"generator.0.bias", counting<T>({4})});
    contents.tensors.push_back({"scalar", counting<T>({})});
    contents.tensors.push_back({"empty", counting<T>({0, 5})});
    contents.tensors.push_back({"name \"quoted\" \\ \xc3\xa9", counting<T>({1, 1, 2})});
    contents.metadata = {{"model", "mlp"}, {"widths", "[3, 4]"}};
    return contents;
}

template <class T>
bool same(const SafetensorsOf<T>& a, const SafetensorsOf<T>& b) {
    if (a.metadata != b.metadata || a.tensors.size() != b.tensors.size()) return false;
    for (std::size_t i = 0; i < a.tensors.size(); ++i) {
        if (a.tensors[i].name != b.tensors[i].name) return false;
        if (a.tensors[i].value.shape() != b.tensors[i].value.shape()) return false;
        if (a.tensors[i].value != b.tensors[i].value) return false;
    }
    return true;
}

/// A file with this header, as it stands, and so many bytes of data.
Bytes file_of(const std::string& header, std::size_t data_bytes) {
    const std::uint64_t size = header.size();
    Bytes bytes(8 + header.size() + data_bytes);
    std::memcpy(bytes.data(), &size, 8);
    std::memcpy(bytes.data() + 8, header.data(), header.size());
    return bytes;
}

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"({"dtype":")" + dtype + R"(","shape":[)" + shape + R"(],"data_offsets":[)" + offsets + "]}";
}

std::string error_of(const Bytes& bytes) {
    return file_error_of([&] { parse_safetensors_as<float>(view(bytes), "w"); });
}

std::string error_of(const std::string& header, std::size_t data_bytes) {
    return error_of(file_of(header, data_bytes));
}

}  // namespace

TEST_CASE_TEMPLATE("arrays come back from safetensors", T, float, double) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "weights.safetensors";
    const SafetensorsOf<T> contents = sample<T>();
    write_safetensors(path, contents);
    const SafetensorsOf<T> read = read_safetensors_as<T>(path);
    CHECK(same(read, contents));
    REQUIRE(read.find("generator.0.bias") != nullptr);
    CHECK(read.find("generator.0.bias")->size() == 4);
    CHECK(read.find("generator") == nullptr);
    CHECK(encode_safetensors(contents) == encode_safetensors(read));
    const SafetensorsOf<T> nothing;
    CHECK(same(parse_safetensors_as<T>(view(encode_safetensors(nothing)), "x"), nothing));
}

TEST_CASE("the bytes of a safetensors file") {
    Safetensors contents;
    contents.tensors.push_back({"b", counting<float>({2})});
    contents.tensors.push_back({"a", counting<float>({1, 1})});
    contents.metadata["k"] = "v";
    const Bytes bytes = encode_safetensors(contents);
    std::string header = R"({"__metadata__":{"k":"v"},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                         R"("a":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]}})";
    header.append((8 - header.size() % 8) % 8, ' ');
    REQUIRE(bytes.size() == 8 + header.size() + 12);
    CHECK(bytes[0] == header.size());
    CHECK(std::string(bytes.begin() + 8, bytes.end() - 12) == header);
}

TEST_CASE("the fixtures written by PyTorch's safetensors are read") {
    std::size_t files = 0;
    for (const auto& item : std::filesystem::directory_iterator(DUET_SOURCE_DIR "/tests/fixtures")) {
        if (item.path().extension() != ".safetensors") continue;
        CAPTURE(item.path().string());
        const auto contents = read_safetensors_as<double>(item.path());
        CHECK(contents.tensors.size() > 0);
        CHECK(same(parse_safetensors_as<double>(view(encode_safetensors(contents)), "x"), contents));
        ++files;
    }
    CHECK(files > 0);
}

TEST_CASE("values convert between float32 and float64") {
    const auto as_double = parse_safetensors_as<double>(view(encode_safetensors(sample<float>())), "x");
    CHECK(as_double.tensors[0].value.data()[1] == static_cast<double>(1.0F / 3 - 1));
    const auto as_float = parse_safetensors_as<float>(view(encode_safetensors(sample<double>())), "x");
    CHECK(as_float.tensors[0].value.data()[1] == static_cast<float>(1.0 / 3 - 1));
    SafetensorsOf<double> special;
    special.tensors.push_back({"s", counting<double>({2})});
    special.tensors[0].value.data()[0] = std::numeric_limits<double>::infinity();
    special.tensors[0].value.data()[1] = std::numeric_limits<double>::quiet_NaN();
    const auto narrowed = parse_safetensors_as<float>(view(encode_safetensors(special)), "x");
    CHECK(std::isinf(narrowed.tensors[0].value.data()[0]));
    CHECK(std::isnan(narrowed.tensors[0].value.data()[1]));
    special.tensors[0].value.data()[1] = 1e300;
    CHECK(contains(error_of(encode_safetensors(special)), "beyond float32"));
}

TEST_CASE("integers are read where they stay the same") {
    const auto file_with = [](std::int64_t value) {
        Bytes bytes = file_of(R"({"count":)" + entry("I64", "", "0,8") + "}", 8);
        std::memcpy(bytes.data() + bytes.size() - 8, &value, 8);
        return bytes;
    };
    for (const std::int64_t value :
         {std::int64_t{0}, std::int64_t{-3}, std::int64_t{1} << 24, std::numeric_limits<std::int64_t>::min()})
        CHECK(parse_safetensors_as<float>(view(file_with(value)), "x").tensors[0].value.data()[0] ==
              static_cast<float>(value));
    for (const std::int64_t value : {(std::int64_t{1} << 24) + 1, std::numeric_limits<std::int64_t>::max(),
                                     std::numeric_limits<std::int64_t>::min() + 1})
        CHECK(contains(error_of(file_with(value)), "beyond float32"));
    CHECK(parse_safetensors_as<double>(view(file_with((1 << 24) + 1)), "x").tensors[0].value.data()[0] ==
          16777217.0);
}

TEST_CASE("headers spelt otherwise are read, arrays in the order of their data") {
    const std::string header =
        "{ \"b\" : {\"data_offsets\":[4,12],\"shape\":[2],\"dtype\":\"F32\"},\n \"a\":" +
        entry("F32", "1", "0,4") + ", \"__metadata__\":{} }   \n";
    const auto read = parse_safetensors_as<float>(view(file_of(header, 12)), "x");
    REQUIRE(read.tensors.size() == 2);
    CHECK(read.tensors[0].name == "a");
    CHECK(read.tensors[1].name == "b");
    CHECK(error_of(R"({"a":)" + entry("F32", "0,4", "0,0") + "}", 0).empty());
    CHECK(error_of("{}", 0).empty());
}

TEST_CASE("every lie in a safetensors header is named") {
    const auto one = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
        return R"({"a":)" + entry(dtype, shape, offsets) + "}";
    };
    CHECK(error_of(one("F32", "2,3", "0,24"), 24).empty());
    CHECK(contains(error_of(Bytes(7)), "w: not a safetensors file: it has 7 bytes"));
    CHECK(contains(error_of(Bytes(8, 0xff)), "18446744073709551615 bytes, expected at most 0"));
    CHECK(contains(error_of(Bytes(8)), "does not start with '{'"));
    CHECK(contains(error_of(one("F32", "2,3", "0,24"), 23), "expected to start at 0 and to end by 23"));
    CHECK(contains(error_of(one("F32", "2,3", "0,24"), 25), "1 belong to none"));
    CHECK(contains(error_of(one("F32", "2,3", "1,25"), 25), "expected to start at 0"));
    CHECK(contains(error_of(one("F32", "2,3", "0,20"), 20),
                   "needs 24 bytes, its data_offsets [0, 20] give 20"));
    CHECK(contains(error_of(one("F32", "2,3", "24,0"), 24), "data_offsets [24, 0]"));
    CHECK(contains(error_of(one("F99", "6", "0,24"), 24), "array \"a\" has the unknown dtype \"F99\""));
    CHECK(contains(error_of(one("I32", "3", "0,12"), 12),
                   "the unsupported dtype \"I32\", expected F32, F64 or I64"));
    CHECK(contains(error_of(one("I64", "3", "0,12"), 12), "needs 24 bytes"));
    CHECK(contains(error_of(one("F32", "4294967296,4294967296,4", "0,0"), 0), "more than an array can have"));
    CHECK(contains(error_of(one("F32", "0,4294967296,4294967296", "0,0"), 0), "more than an array can have"));
    CHECK(contains(error_of(one("F32", "2,3", "0,18446744073709551615"), 24), "end by 24"));
    CHECK(contains(error_of(one("F32", "2,3", "0,18446744073709551616"), 24), "not whole"));
    CHECK(contains(error_of(one("F32", "2,-3", "0,24"), 24), "a negative number"));
    CHECK(contains(error_of(one("F32", "6.0", "0,24"), 24), "not whole"));
    CHECK(contains(error_of(one("F32", "6", "0"), 24), "not two numbers"));
    CHECK(contains(error_of(one("F32", "6", "0,12,24"), 24), "not two numbers"));
    CHECK(contains(error_of(one("F32", "[6]", "0,24"), 24), "an array stands"));
    CHECK(contains(error_of(one("F32", "\"6\"", "0,24"), 24), "a string stands"));
    CHECK(contains(error_of(R"({"a":{"dtype":"F32","shape":[6]}})", 24), "lacks one of"));
    CHECK(contains(error_of(R"({"a":{"dtype":"F32","dtype":"F32"}})", 24), "field \"dtype\" comes twice"));
    CHECK(contains(error_of(R"({"a":{"type":"F32"}})", 24), "field \"type\" is unknown"));
    CHECK(contains(error_of(R"({"a":3})", 0), "a number stands at \"a\""));
    CHECK(contains(error_of(R"({"a":null})", 0), "null"));
    CHECK(contains(error_of(R"({"a":true})", 0), "true or false"));
    CHECK(contains(error_of(R"({"__metadata__":{"a":1}})", 0), "a number"));
    CHECK(contains(error_of(R"({"__metadata__":{"a":{}}})", 0), "an object"));
    CHECK(contains(error_of(R"({"__metadata__":{"a":"","a":""}})", 0), "metadata key \"a\" comes twice"));
    const std::string twice = entry("F32", "1", "0,4");
    CHECK(contains(error_of(R"({"a":)" + twice + R"(,"a":)" + twice + "}", 4), "name \"a\" comes twice"));
    const std::string overlapping =
        R"({"a":)" + entry("F32", "2", "0,8") + R"(,"b":)" + entry("F32", "2", "4,12") + "}";
    CHECK(
        contains(error_of(overlapping, 12), "array \"b\" has data_offsets [4, 12], expected to start at 8"));
    const std::string hole =
        R"({"a":)" + entry("F32", "1", "0,4") + R"(,"b":)" + entry("F32", "1", "8,12") + "}";
    CHECK(contains(error_of(hole, 12), "expected to start at 4"));
    CHECK(contains(error_of("{} x", 0), "not JSON from byte"));
    CHECK(contains(error_of("{\"\xff\":{}}", 0), "not JSON from byte"));
    CHECK(contains(error_of("\xef\xbb\xbf{}", 0), "does not start with '{'"));
    CHECK(contains(error_of("[]", 0), "does not start with '{'"));
}

TEST_CASE(
    "a safetensors header is JSON from its first byte to its last, as the reference implementation demands") {
    using namespace std::string_literals;
    const std::string good = R"({"a":)" + entry("F32", "1", "0,4") + "}";
    for (const std::string& padding : {""s, " "s, "       "s, "\n\t\r "s})
        CHECK(error_of(good + padding, 4).empty());
    CHECK(error_of(good + "\0"s, 4) ==
          "w: bad safetensors header: byte 55 is NUL, expected JSON, padded with spaces if at all");
    for (const std::string& after : {"\0\0\0\0\0\0\0"s, "  \0"s, "\0 x"s, "\0}"s, " \0 "s})
        CHECK(contains(error_of(good + after, 4), "is NUL"));
    for (const std::string& after : {"x"s, "{}"s, "}"s, ","s, "\v"s, "\xc2\xa0"s, "// x"s, "/**/"s, "\xff"s})
        CHECK(contains(error_of(good + after, 4), "not JSON from byte"));
    for (const std::string& before : {" "s, "\n"s, "\0"s, "\xef\xbb\xbf"s, ","s})
        CHECK(contains(error_of(before + good, 4), "does not start with '{'"));
    CHECK(contains(error_of("{\0}"s, 0), "is NUL"));
    CHECK(contains(error_of("{\"a\0\":{}}"s, 0), "is NUL"));
    CHECK(contains(error_of("{,}", 0), "not JSON from byte"));
    CHECK(contains(error_of(good.substr(0, good.size() - 1) + ",}", 4), "not JSON from byte"));
}

TEST_CASE("deep nesting and endless shapes do no harm") {
    CHECK_FALSE(error_of(std::string(1'000'000, '{'), 0).empty());
    CHECK_FALSE(error_of("{\"a\":" + std::string(1'000'000, '['), 0).empty());
    std::string sizes = "1";
    for (int i = 0; i < 100; ++i) sizes += ",1";
    CHECK(
        contains(error_of(R"({"a":)" + entry("F32", sizes, "0,4") + "}", 4), "more than an array can have"));
}

TEST_CASE("what cannot be saved is refused") {
    Safetensors contents;
    contents.tensors.push_back({"a", counting<float>({1})});
    contents.tensors.push_back({"a", counting<float>({1})});
    CHECK_THROWS_AS(encode_safetensors(contents), Error);
    contents.tensors[1].name = "__metadata__";
    CHECK_THROWS_AS(encode_safetensors(contents), Error);
    contents.tensors[1].name = "\xff";
    CHECK_THROWS_AS(encode_safetensors(contents), Error);
    contents.tensors[1].name = "b";
    contents.metadata["\xff"] = "x";
    CHECK_THROWS_AS(encode_safetensors(contents), Error);
}

TEST_CASE("a truncated or damaged safetensors file is refused") {
    const auto read = [](auto bytes) { parse_safetensors_as<float>(bytes, "x"); };
    const Bytes good = encode_safetensors(sample<float>());
    CHECK(refuses_every_prefix(good, read));
    CHECK(refused_mutations(good, 6000, 6, read) > 3000);
    CHECK(refused_mutations(encode_safetensors(sample<double>()), 6000, 7, read) > 3000);
}
