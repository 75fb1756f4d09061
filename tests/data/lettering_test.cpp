#include <doctest/doctest.h>

#include <duet/data/lettering.hpp>

#include <string>

#include "support.hpp"

using namespace duet;

namespace {

/// A picture as text, '#' where it is not black.
std::string shown(const Image& image) {
    std::string text;
    for (std::size_t y = 0; y < image.height; ++y) {
        for (std::size_t x = 0; x < image.width; ++x)
            text += image.pixels[(y * image.width + x) * image.channels] > 0 ? '#' : '.';
        text += '\n';
    }
    return text;
}

Image black(std::size_t width, std::size_t height, std::size_t channels = 1) {
    return {width, height, channels, Bytes(width * height * channels)};
}

}  // namespace

TEST_CASE("letters are drawn as they look") {
    Image image = black(17, 8);
    draw_text(image, 0, 0, "R1g", {255, 255, 255});
    CHECK(shown(image) ==
          "####....#........\n"
          "#...#..##........\n"
          "#...#...#....####\n"
          "####....#...#...#\n"
          "#.#.....#...#...#\n"
          "#..#....#....####\n"
          "#...#..###......#\n"
          ".............###.\n");
    CHECK(text_width("R1g") == 17);
    CHECK(text_width("R1g", 3) == 51);
    CHECK(text_width("") == 0);

    Image upwards = black(8, 17);
    draw_text_upwards(upwards, 0, 16, "R1g", {255, 255, 255});
    for (std::size_t y = 0; y < 8; ++y)
        for (std::size_t x = 0; x < 17; ++x)
            CHECK(upwards.pixels[(16 - x) * 8 + y] == image.pixels[y * 17 + x]);

    Image magnified_image = black(51, 24);
    draw_text(magnified_image, 0, 0, "R1g", {255, 255, 255}, 3);
    CHECK(magnified_image.pixels == magnified(image, 3).pixels);
}

TEST_CASE("letters have a colour, and stay within the picture") {
    Image colored = black(5, 8, 3), grey = black(5, 8);
    draw_text(colored, 0, 0, "L", {10, 20, 60});
    CHECK(Bytes(colored.pixels.begin(), colored.pixels.begin() + 6) == Bytes{10, 20, 60, 0, 0, 0});
    draw_text(grey, 0, 0, "L", {10, 20, 60});
    CHECK(grey.pixels.front() == 30);

    std::string every;
    for (int byte = 0; byte < 256; ++byte) every += static_cast<char>(byte);
    for (const std::ptrdiff_t at : {-1000, -3, 0, 4, 1000}) {
        draw_text(grey, at, at / 2, every, {1, 2, 3}, 2);
        draw_text_upwards(colored, at / 2, at, every, {1, 2, 3}, 2);
    }
    Image other = black(5, 8), mark = black(5, 8);
    draw_text(other, 0, 0, "\xc3", {9, 9, 9});
    draw_text(mark, 0, 0, "?", {9, 9, 9});
    CHECK(other.pixels == mark.pixels);
}

TEST_CASE("a picture is magnified") {
    const Image image{2, 1, 3, {1, 2, 3, 4, 5, 6}};
    const Image twice = magnified(image, 2);
    CHECK(twice.width == 4);
    CHECK(twice.height == 2);
    CHECK(twice.pixels == Bytes{1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6, 1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6});
    CHECK(magnified(image, 1).pixels == image.pixels);
    CHECK_THROWS_AS(magnified(image, 0), Error);
    CHECK_THROWS_AS(magnified(image, 500'001), Error);
    CHECK_THROWS_AS(magnified(image, std::size_t{1} << 63), Error);
    CHECK_THROWS_AS(magnified(Image{}, 1), Error);
}
