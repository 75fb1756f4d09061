#include <cstring>

#include <doctest/doctest.h>

#include <duet/data/npy.hpp>
#include <xtensor/xarray.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

Array counting(const std::vector<std::size_t>& shape) {
    Array array = Array::from_shape(shape);
    for (std::size_t i = 0; i < array.size(); ++i) array.data()[i] = static_cast<float>(i) - 0.5F;
    return array;
}

/// A .npy file with this header text, as it stands, and so many bytes of data.
Bytes npy_file(const std::string& header, std::size_t data_bytes) {
    std::string text("\x93NUMPY\x01\x00", 8);
    text += static_cast<char>(header.size());
    text += '\0';
    text += header + std::string(data_bytes, '\0');
    return Bytes(text.begin(), text.end());
}

}  // namespace

TEST_CASE("the bytes of a .npy file") {
    Array array = Array::from_shape({1, 2});
    array.data()[0] = 1.0F;
    array.data()[1] = -2.0F;
    std::string expected("\x93NUMPY\x01\x00\x76\x00", 10);
    expected += "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }";
    expected.append(127 - expected.size(), ' ');
    expected += '\n';
    expected += std::string("\x00\x00\x80\x3f\x00\x00\x00\xc0", 8);
    const Bytes bytes = encode_npy(array);
    CHECK(std::string(bytes.begin(), bytes.end()) == expected);
}

TEST_CASE("arrays of any rank come back from .npy") {
    const TemporaryFolder folder;
    for (const std::vector<std::size_t>& shape :
         {std::vector<std::size_t>{}, {5}, {2, 3}, {0, 3}, {3, 1, 2}, {2, 1, 2, 1, 2, 1}}) {
        const Array array = counting(shape);
        write_npy(folder.path() / "array.npy", array);
        const Array read = read_npy(folder.path() / "array.npy");
        CHECK(read.shape() == array.shape());
        CHECK(read == array);
        const Bytes bytes = encode_npy(array);
        CHECK((bytes.size() - 4 * array.size()) % 64 == 0);
    }
}

TEST_CASE("bytes are read as the numbers that they are") {
    Bytes bytes = npy_file("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }\n", 3);
    bytes[bytes.size() - 3] = 0;
    bytes[bytes.size() - 2] = 128;
    bytes[bytes.size() - 1] = 255;
    const Array read = parse_npy(view(bytes), "x.npy");
    CHECK(read == Array{0.0F, 128.0F, 255.0F});
}

TEST_CASE("other .npy files are refused") {
    const auto error_of = [](const Bytes& bytes) {
        return file_error_of([&] { parse_npy(view(bytes), "x.npy"); });
    };
    const auto header = [](const std::string& shape) {
        return "{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + "), }\n";
    };
    CHECK(error_of(npy_file(header("2, 3"), 24)).empty());
    CHECK(error_of(npy_file(header("6,"), 24)).empty());
    CHECK(error_of(npy_file(header(""), 4)).empty());
    for (const char* shape : {"6", "2, 3,", "-1, 3", "2,, 3", ",", "2 3", "x", "99999999999999999999, 0"}) {
        CHECK(contains(error_of(npy_file(header(shape), 24)), "unexpected .npy header"));
    }
    for (const char* type : {"<f2", ">f4", "|i1", "<c8", "<U1", "<i4"})
        CHECK(contains(
            error_of(npy_file(
                std::string("{'descr': '") + type + "', 'fortran_order': False, 'shape': (1,), }\n", 8)),
            "unexpected"));
    CHECK(contains(error_of(npy_file(header("2, 3"), 25)), "(2, 3) does not match the 25 bytes"));
    CHECK(contains(error_of(npy_file(header("2, 3"), 20)), "does not match"));
    CHECK(contains(error_of(npy_file(header("4611686018427387904, 4"), 0)), "does not match"));
    CHECK(contains(error_of(npy_file(header("0, 4611686018427387904, 4"), 0)), "does not match"));
    const auto read = [](auto bytes) { parse_npy(bytes, "x"); };
    const Bytes good = encode_npy(counting({2, 3}));
    CHECK(refuses_every_prefix(good, read));
    CHECK(refused_mutations(good, 4000, 5, read) > 2000);
}

TEST_CASE("doubles, integers and column-major arrays are read from .npy") {
    const auto read = [](const std::string& type, const std::string& order, const std::string& shape,
                         auto values) {
        const std::string header =
            "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': (" + shape + "), }\n";
        Bytes file = npy_file(header, sizeof(values[0]) * values.size());
        if (!values.empty())
            std::memcpy(file.data() + file.size() - sizeof(values[0]) * values.size(), values.data(),
                        sizeof(values[0]) * values.size());
        return parse_npy(view(file), "x.npy");
    };
    const Array doubles = read("<f8", "False", "2, 2", std::vector<double>{0.5, -1, 1e-60, 0.1});
    CHECK(doubles == Array{{0.5F, -1.0F}, {0.0F, 0.1F}});
    const Array count = read("<i8", "False", "", std::vector<std::int64_t>{1 << 20});
    CHECK(count.dimension() == 0);
    CHECK(count() == 1048576.0F);
    CHECK_THROWS_AS(read("<f8", "False", "1,", std::vector<double>{1e60}), FileError);
    CHECK_THROWS_AS(read("<i8", "False", "1,", std::vector<std::int64_t>{(1 << 24) + 1}), FileError);
    // Element (i, j, k) is 100 i + 10 j + k.
    const Array columns = read("<f4", "True", "2, 3, 2",
                               std::vector<float>{0, 100, 10, 110, 20, 120, 1, 101, 11, 111, 21, 121});
    REQUIRE(columns.dimension() == 3);
    for (std::size_t i = 0; i < 2; ++i)
        for (std::size_t j = 0; j < 3; ++j)
            for (std::size_t k = 0; k < 2; ++k)
                CHECK(columns(i, j, k) == static_cast<float>(100 * i + 10 * j + k));
    CHECK(read("<f4", "True", "0, 3", std::vector<float>{}).shape()[1] == 3);
}
