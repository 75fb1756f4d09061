#include <doctest/doctest.h>

#include <duet/data/idx.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

Idx parse(const Bytes& bytes) {
    return parse_idx(view(bytes), "images");
}
std::string error_of(const Bytes& bytes) {
    return file_error_of([&] { parse(bytes); });
}

Bytes changed(Bytes bytes, std::size_t at, std::uint8_t to) {
    bytes[at] = to;
    return bytes;
}

}  // namespace

TEST_CASE("IDX arrays of one to four dimensions, plain and gzip") {
    const auto check = [](const Bytes& bytes, const std::vector<std::size_t>& shape) {
        const std::size_t header = 4 + 4 * shape.size();
        for (const Idx& idx : {parse(bytes), parse(gzip(bytes))}) {
            CHECK(idx.shape == shape);
            CHECK(idx.values == Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(header), bytes.end()));
        }
    };
    check(idx_file({5}), {5});
    check(idx_file({2, 3}), {2, 3});
    check(idx_file({4, 3, 2}), {4, 3, 2});
    check(idx_file({2, 3, 4, 300}), {2, 3, 4, 300});
    check(idx_file({0, 28, 28}), {0, 28, 28});
    check(idx_file({0, 0xffffffff, 0xffffffff, 0xffffffff}), {0, 0xffffffff, 0xffffffff, 0xffffffff});
}

TEST_CASE("an IDX file is read whatever its name says of compression") {
    const TemporaryFolder folder;
    write_file_atomically(folder.path() / "plain.gz", view(idx_file({3})));
    write_file_atomically(folder.path() / "packed", view(gzip(idx_file({3}))));
    CHECK(read_idx(folder.path() / "plain.gz").shape == std::vector<std::size_t>{3});
    CHECK(read_idx(folder.path() / "packed").shape == std::vector<std::size_t>{3});
    CHECK_THROWS_AS(read_idx(folder.path() / "none"), FileError);
}

TEST_CASE("every lie in an IDX header is named") {
    const Bytes good = idx_file({4, 3, 2});
    CHECK(contains(error_of({}), "images: not an IDX file: it has 0 bytes"));
    CHECK(contains(error_of(changed(good, 0, 1)), "magic number is 0x01000803, expected 0x000008NN"));
    CHECK(contains(error_of(changed(good, 1, 1)), "magic number is 0x00010803"));
    CHECK(contains(error_of(changed(good, 2, 0x0d)), "element type is 0x0d"));
    CHECK(contains(error_of(changed(good, 3, 0)), "number of dimensions is 0"));
    CHECK(contains(error_of(changed(good, 3, 5)),
                   "number of dimensions is 5 (magic number 0x00000805), expected 1 to 4"));
    CHECK(contains(error_of({0, 0, 8, 3, 0, 0, 0, 1}), "3 dimensions need 16 bytes, the file has 8"));
    CHECK(contains(error_of(changed(good, 7, 5)),
                   "says 5 x 3 x 2 values, so 46 bytes with the header, but 40 are there"));
    CHECK(contains(error_of(changed(good, 7, 3)), "too long"));
    CHECK(contains(error_of(changed(good, 4, 0xff)), "more than the 1073741824 bytes allowed"));
    Bytes overflow = idx_file({1, 1, 1, 1});
    for (std::size_t i = 4; i < 20; ++i) overflow[i] = i % 4 == 0 ? 0x80 : 0;
    CHECK(contains(error_of(overflow), "more than"));
    for (const Bytes& lie :
         {changed(good, 7, 5), changed(good, 7, 3), changed(good, 3, 5), changed(good, 4, 0xff)}) {
        CHECK_FALSE(error_of(gzip(lie)).empty());
    }
}

TEST_CASE("a truncated or damaged IDX file is refused") {
    const auto read = [](auto bytes) { parse_idx(bytes, "x"); };
    const Bytes plain = idx_file({4, 3, 2});
    const Bytes packed = gzip(plain);
    CHECK(refuses_every_prefix(plain, read));
    CHECK(refuses_every_prefix(packed, read));
    CHECK(refused_mutations(plain, 4000, 2, read) > 2000);
    CHECK(refused_mutations(packed, 4000, 3, read) > 3000);
}
