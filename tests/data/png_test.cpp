#include <doctest/doctest.h>

#include <zlib.h>
#include <duet/data/png.hpp>
#include <limits>
#include <xtensor/xarray.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

Image picture(std::size_t width, std::size_t height, std::size_t channels) {
    Image image{width, height, channels, Bytes(width * height * channels)};
    for (std::size_t i = 0; i < image.pixels.size(); ++i)
        image.pixels[i] = static_cast<std::uint8_t>(i * 37 + i / 5);
    return image;
}

bool same(const Image& a, const Image& b) {
    return a.width == b.width && a.height == b.height && a.channels == b.channels && a.pixels == b.pixels;
}

Image parse(const Bytes& bytes) {
    return parse_png(view(bytes), "x.png");
}
std::string error_of(const Bytes& bytes) {
    return file_error_of([&] { parse(bytes); });
}

void put_big_endian(Bytes& bytes, std::size_t at, std::size_t value) {
    for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

/// A PNG file with another IHDR, its checksum made right.
Bytes with_header(Bytes bytes, std::size_t width, std::size_t height, std::uint8_t bit_depth,
                  std::uint8_t color_type) {
    put_big_endian(bytes, 16, width);
    put_big_endian(bytes, 20, height);
    bytes[24] = bit_depth;
    bytes[25] = color_type;
    put_big_endian(bytes, 29, crc32(0, bytes.data() + 12, 17));
    return bytes;
}

}  // namespace

TEST_CASE("pictures come back from PNG") {
    const TemporaryFolder folder;
    for (const std::size_t channels : {1, 3}) {
        for (const auto& [width, height] : {std::pair<std::size_t, std::size_t>{1, 1}, {7, 5}, {300, 200}}) {
            const Image image = picture(width, height, channels);
            write_png(folder.path() / "image.png", image);
            CHECK(same(read_png(folder.path() / "image.png"), image));
            CHECK(encode_png(image) == encode_png(image));
        }
    }
    CHECK(folder.entries() == 1);
    CHECK_THROWS_AS(write_png(folder.path() / "none" / "image.png", picture(2, 2, 1)), FileError);
}

TEST_CASE("pictures that cannot be are refused") {
    CHECK_THROWS_AS(encode_png({}), Error);
    CHECK_THROWS_AS(encode_png({2, 2, 2, Bytes(8)}), Error);
    CHECK_THROWS_AS(encode_png({2, 2, 1, Bytes(5)}), Error);
    CHECK_THROWS_AS(encode_png({std::size_t{1} << 40, std::size_t{1} << 40, 1, Bytes(5)}), Error);
}

TEST_CASE("other kinds of PNG and lies in the header are named") {
    const Bytes good = encode_png(picture(6, 4, 1));
    CHECK(contains(error_of({}), "x.png: not a PNG file"));
    CHECK(contains(error_of(Bytes(1000)), "not a PNG file"));
    CHECK(contains(error_of(with_header(good, 6, 4, 16, 0)), "bit depth 16"));
    CHECK(contains(error_of(with_header(good, 6, 4, 1, 0)), "bit depth 1"));
    CHECK(contains(error_of(with_header(good, 6, 4, 8, 6)), "colour type 6"));
    CHECK(contains(error_of(with_header(good, 6, 5, 8, 0)), "damaged"));
    CHECK(contains(error_of(with_header(good, 0, 4, 8, 0)), "damaged"));
    CHECK(contains(error_of(with_header(good, 60'000, 60'000, 8, 0)), "expected 1 to 1000000 pixels a side"));
    CHECK(contains(error_of(with_header(good, 10'000, 10'000, 8, 0)), "cannot hold"));
    Bytes wrong_checksum = good;
    wrong_checksum[29] ^= 1;
    CHECK_FALSE(error_of(wrong_checksum).empty());
    Bytes longer = good;
    longer.push_back(0);
    CHECK(contains(error_of(longer), "end mark"));
    CHECK_FALSE(error_of(Bytes(good.begin(), good.begin() + 33)).empty());
}

TEST_CASE("chunks that say nothing of the pixels are passed over, and take no memory for what they say") {
    const Image image = picture(3, 2, 1);
    const Bytes good = encode_png(image);
    const auto with_chunk = [&](std::size_t said, std::string_view type, const Bytes& data) {
        Bytes chunk(8);
        put_big_endian(chunk, 0, said);
        std::copy(type.begin(), type.end(), chunk.begin() + 4);
        chunk.insert(chunk.end(), data.begin(), data.end());
        chunk.resize(chunk.size() + 4);
        put_big_endian(chunk, chunk.size() - 4,
                       crc32(0, chunk.data() + 4, static_cast<uInt>(4 + data.size())));
        Bytes bytes = good;
        bytes.insert(bytes.begin() + 33, chunk.begin(), chunk.end());
        return bytes;
    };
    // libpng took 2 GiB for this one.
    for (const char* type : {"zTXt", "iCCP", "eXIf", "IDAT", "PLTE", "zzzz"})
        for (const std::size_t said : {0x7c2b6082U, 0x7fffffffU, 0xffffffffU, 1000U})
            CHECK(error_of(with_chunk(said, type, {'a', 0, 0})) ==
                  "x.png: the PNG file ends within a chunk; is it truncated?");
    // A profile, deflated, that says it has 2 GiB.
    Bytes profile(132), packed = {'a', 0, 0};
    put_big_endian(profile, 0, 0x7ffffffc);
    Bytes deflated(compressBound(132));
    uLongf size = deflated.size();
    REQUIRE(compress(deflated.data(), &size, profile.data(), profile.size()) == Z_OK);
    packed.insert(packed.end(), deflated.begin(), deflated.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(same(parse(with_chunk(packed.size(), "iCCP", packed)), image));
    CHECK(same(parse(with_chunk(3, "tEXt", {'a', 0, 'b'})), image));
    CHECK(same(parse(with_chunk(3, "zzzz", {'a', 0, 'b'})), image));
    CHECK(contains(error_of(with_chunk(3, "ZZZZ", {'a', 0, 'b'})), "damaged PNG file"));
}

TEST_CASE("a truncated or damaged PNG file is refused") {
    const auto read = [](auto bytes) { parse_png(bytes, "x"); };
    for (const std::size_t channels : {1, 3}) {
        const Bytes good = encode_png(picture(9, 7, channels));
        CHECK(refuses_every_prefix(good, read));
        CHECK(refused_mutations(good, 4000, channels, read) > 3000);
    }
}

TEST_CASE("a PNG file damaged behind its checksums") {
    const Bytes good = encode_png(picture(40, 30, 3));
    // Chunks: length, type, data, checksum. Damage the data, then make the checksums right again.
    const auto mend_and_read = [](std::span<const std::byte> damaged) {
        Bytes bytes(reinterpret_cast<const std::uint8_t*>(damaged.data()),
                    reinterpret_cast<const std::uint8_t*>(damaged.data()) + damaged.size());
        std::size_t at = 8;
        while (bytes.size() >= at + 12) {
            const std::size_t length = std::size_t{bytes[at]} << 24 | std::size_t{bytes[at + 1]} << 16 |
                                       std::size_t{bytes[at + 2]} << 8 | bytes[at + 3];
            if (length > bytes.size() - at - 12) break;
            put_big_endian(bytes, at + 8 + length,
                           crc32(0, bytes.data() + at + 4, static_cast<uInt>(length + 4)));
            at += length + 12;
        }
        parse(bytes);
    };
    CHECK(refused_mutations(good, 4000, 9, mend_and_read) > 2000);
}

TEST_CASE("a grid of pictures") {
    std::vector<Image> images(3, Image{2, 1, 1, {0, 0}});
    for (std::size_t i = 0; i < 3; ++i)
        images[i].pixels = {static_cast<std::uint8_t>(10 * i + 1), static_cast<std::uint8_t>(10 * i + 2)};
    const Image grid = tile_grid(images, 2, 1, 9);
    CHECK(same(grid, {7, 5, 1, {9, 9,  9,  9, 9,  9,  9,  //
                                9, 1,  2,  9, 11, 12, 9,  //
                                9, 9,  9,  9, 9,  9,  9,  //
                                9, 21, 22, 9, 9,  9,  9,  //
                                9, 9,  9,  9, 9,  9,  9}}));
    CHECK(same(tile_grid(images, 100, 0), {6, 1, 1, {1, 2, 11, 12, 21, 22}}));
    const std::vector<Image> colored(2, Image{1, 1, 3, {1, 2, 3}});
    CHECK(same(tile_grid(colored, 1, 0), {1, 2, 3, {1, 2, 3, 1, 2, 3}}));
    CHECK_THROWS_AS(tile_grid(std::span<const Image>(), 2, 0), Error);
    CHECK_THROWS_AS(tile_grid(images, 0, 0), Error);
    CHECK_THROWS_AS(tile_grid(images, 1, 20'000), Error);
    CHECK_THROWS_AS(tile_grid(images, 1, std::numeric_limits<std::size_t>::max()), Error);
    images[1] = picture(1, 2, 1);
    CHECK_THROWS_AS(tile_grid(images, 2, 0), Error);
}

TEST_CASE("a grid of colours that are stored channel by channel") {
    Array array = Array::from_shape({2, 3, 1, 2});
    const float values[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    std::transform(std::begin(values), std::end(values), array.data(), [](float v) { return v / 255.0F; });
    CHECK(same(tile_grid(array, 1, 2, 1, 0), {2, 2, 3, {1, 3, 5, 2, 4, 6, 7, 9, 11, 8, 10, 12}}));
    const Image padded = tile_grid(array, 1, 2, 2, 1, 200);
    CHECK(padded.width == 7);
    CHECK(padded.height == 3);
    CHECK(Bytes(padded.pixels.begin() + 21, padded.pixels.begin() + 42) ==
          Bytes{200, 200, 200, 1, 3, 5, 2, 4, 6, 200, 200, 200, 7, 9, 11, 8, 10, 12, 200, 200, 200});
    array.reshape({6, 1, 1, 2});
    CHECK(same(tile_grid(array, 1, 2, 6, 0), {12, 1, 1, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}));
    using Sizes = std::vector<std::size_t>;
    for (const Sizes& shape : {Sizes{3, 2, 1, 2}, Sizes{2, 1, 2, 3}, Sizes{1, 2, 3, 1, 2}, Sizes{12}}) {
        array.reshape(shape);
        CHECK_THROWS_AS(tile_grid(array, 1, 2, 1, 0), ShapeError);
    }
}

TEST_CASE("a grid of an array clips and rounds") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float infinity = std::numeric_limits<float>::infinity();
    Array array = Array::from_shape({2, 4});
    const float values[] = {0.0F, 1.0F, 0.5F, 2.0F / 255.0F, -3.0F, 7.0F, nan, -infinity};
    std::copy(std::begin(values), std::end(values), array.data());
    const Bytes expected = {0, 255, 0, 255, 128, 2, 0, 0};
    CHECK(tile_grid(array, 2, 2, 2, 0).pixels == expected);
    array.reshape({2, 2, 2});
    CHECK(tile_grid(array, 2, 2, 2, 0).pixels == expected);
    CHECK_THROWS_AS(tile_grid(array, 4, 1, 2, 0), ShapeError);
    Array empty = Array::from_shape({0, 4});
    CHECK_THROWS_AS(tile_grid(empty, 2, 2, 2, 0), Error);
    const TemporaryFolder folder;
    write_png_grid(folder.path() / "grid.png", array, 2, 2, 1, 2);
    CHECK(same(read_png(folder.path() / "grid.png"), tile_grid(array, 2, 2, 1, 2)));
    for (int byte = 0; byte < 256; ++byte) {
        Array one = Array::from_shape({1, 1});
        one.data()[0] = static_cast<float>(byte) / 255.0F;
        CHECK(tile_grid(one, 1, 1, 1, 0).pixels[0] == byte);
    }
}
