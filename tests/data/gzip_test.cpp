#include <doctest/doctest.h>

#include <duet/data/gzip.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

Bytes sample(std::size_t size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * i >> 3);
    return bytes;
}

}  // namespace

TEST_CASE("gzip data come back, of one member or more") {
    for (const std::size_t size : {0, 1, 1000, 3'000'000}) {
        const Bytes bytes = sample(size);
        const Bytes packed = gzip(bytes);
        CHECK(is_gzip(view(packed)));
        CHECK(gunzip(view(packed), size, "x") == bytes);
    }
    Bytes two = gzip(sample(10));
    const Bytes second = gzip(sample(20));
    two.insert(two.end(), second.begin(), second.end());
    CHECK(gunzip(view(two), 30, "x").size() == 30);
    CHECK_FALSE(is_gzip(view("\x1f")));
    CHECK_FALSE(is_gzip(view("PK")));
}

TEST_CASE("the decompressed size is bounded") {
    const Bytes packed = gzip(Bytes(50'000'000));
    CHECK(packed.size() < 100'000);
    CHECK(contains(file_error_of([&] { gunzip(view(packed), 1000, "bomb.gz"); }),
                   "bomb.gz: decompresses to more than 1000 bytes"));
    CHECK(gunzip_prefix(view(packed), 20, "bomb.gz") == Bytes(20));
    CHECK(gunzip_prefix(view(gzip(sample(5))), 20, "x") == sample(5));
    CHECK_THROWS_AS(gunzip(view(gzip(sample(1))), 0, "x"), FileError);
}

TEST_CASE("damaged gzip data are refused") {
    const Bytes good = gzip(sample(300));
    CHECK(refuses_every_prefix(good, [](auto bytes) { gunzip(bytes, 1000, "x"); }));
    Bytes longer = good;
    longer.push_back('!');
    CHECK_THROWS_AS(gunzip(view(longer), 1000, "x"), FileError);
    Bytes wrong_checksum = good;
    wrong_checksum[good.size() - 8] ^= 1;
    CHECK(contains(file_error_of([&] { gunzip(view(wrong_checksum), 1000, "x.gz"); }),
                   "x.gz: the gzip data are damaged"));
    const std::size_t refused =
        refused_mutations(good, 4000, 1, [](auto bytes) { gunzip(bytes, 1000, "x"); });
    CHECK(refused > 3000);
}
