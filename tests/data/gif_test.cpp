#include <doctest/doctest.h>

#include <cmath>

#include <duet/data/gif.hpp>

#include "animation.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

Image picture(std::size_t width, std::size_t height, std::size_t channels, std::size_t seed) {
    Image image{width, height, channels, Bytes(width * height * channels)};
    for (std::size_t i = 0; i < image.pixels.size(); ++i)
        image.pixels[i] = static_cast<std::uint8_t>(i * 37 + i / 5 + seed * 101);
    return image;
}

}  // namespace

TEST_CASE("grey frames come back from a GIF exactly") {
    GifAnimation animation(20, 30, 1);
    for (std::size_t i = 0; i < 60; ++i) animation.add(picture(20, 30, 1, i), i == 59 ? 200 : 7);
    const Animation read_back = decode_gif(animation.finish());
    CHECK(read_back.width == 20);
    CHECK(read_back.height == 30);
    REQUIRE(read_back.frames.size() == 60);
    for (std::size_t i = 0; i < 60; ++i) {
        CHECK(read_back.frames[i].delay == (i == 59 ? 200 : 7));
        const Image expected = picture(20, 30, 1, i);
        for (std::size_t sample = 0; sample < 3 * 600; ++sample)
            REQUIRE(read_back.frames[i].pixels[sample] == expected.pixels[sample / 3]);
    }
}

TEST_CASE("colour frames come back from a GIF nearly") {
    Image smooth{64, 64, 3, Bytes(64 * 64 * 3)};
    for (std::size_t y = 0; y < 64; ++y) {
        for (std::size_t x = 0; x < 64; ++x) {
            std::uint8_t* const pixel = smooth.pixels.data() + (y * 64 + x) * 3;
            pixel[0] = static_cast<std::uint8_t>(4 * x);
            pixel[1] = static_cast<std::uint8_t>(4 * y);
            pixel[2] = static_cast<std::uint8_t>(2 * x + 2 * y);
        }
    }
    const Image uniform{64, 64, 3, Bytes(64 * 64 * 3, 200)};
    GifAnimation animation(64, 64, 3);
    animation.add(smooth, 10);
    animation.add(uniform, 10);
    const Animation read_back = decode_gif(animation.finish());
    REQUIRE(read_back.frames.size() == 2);
    const auto mean_error = [](const Bytes& a, const Bytes& b) {
        double sum = 0;
        for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(static_cast<double>(a[i]) - b[i]);
        return sum / static_cast<double>(a.size());
    };
    CHECK(mean_error(read_back.frames[0].pixels, smooth.pixels) < 8);
    CHECK(mean_error(read_back.frames[1].pixels, uniform.pixels) < 4);
}

TEST_CASE("the same frames give the same GIF, which repeats without end") {
    const auto encode = [] {
        GifAnimation animation(5, 4, 3);
        for (std::size_t i = 0; i < 3; ++i) animation.add(picture(5, 4, 3, i), 10);
        return animation.finish();
    };
    const Bytes bytes = encode();
    CHECK(bytes == encode());
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    CHECK(text.starts_with("GIF89a"));
    CHECK(contains(text, std::string_view("NETSCAPE2.0\3\1\0\0\0", 16)));
    const TemporaryFolder folder;
    GifAnimation animation(5, 4, 1);
    animation.add(picture(5, 4, 1, 0), 0);
    write_gif(folder.path() / "a.gif", animation);
    CHECK(decode_gif(read_file(folder.path() / "a.gif")).frames.size() == 1);
    CHECK(folder.entries() == 1);
}

TEST_CASE("animations that cannot be are refused") {
    CHECK_THROWS_AS(GifAnimation(0, 4, 1), Error);
    CHECK_THROWS_AS(GifAnimation(4, max_gif_side + 1, 1), Error);
    CHECK_THROWS_AS(GifAnimation(4, 4, 2), Error);
    GifAnimation animation(4, 4, 1);
    CHECK_THROWS_AS(animation.finish(), Error);
    CHECK_THROWS_AS(animation.add(picture(4, 5, 1, 0), 1), Error);
    CHECK_THROWS_AS(animation.add(picture(4, 4, 3, 0), 1), Error);
    CHECK_THROWS_AS(animation.add({4, 4, 1, Bytes(15)}, 1), Error);
    CHECK_THROWS_AS(animation.add(picture(4, 4, 1, 0), 65'536), Error);
    animation.add(picture(4, 4, 1, 0), 65'535);
    animation.finish();
    CHECK_THROWS_AS(animation.finish(), Error);
    CHECK_THROWS_AS(animation.add(picture(4, 4, 1, 0), 1), Error);
}
