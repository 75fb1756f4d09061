#include <doctest/doctest.h>

#include "../../tools/pictures.hpp"
#include "support.hpp"

using namespace duet;
using namespace duet::testing;
using namespace duet::tools;

TEST_CASE("pictures are about 600 pixels wide unless a scale is given") {
    CHECK(scale_for(242) == 2);
    CHECK(scale_for(82) == 7);
    CHECK(scale_for(530) == 1);
    CHECK(scale_for(5000) == 1);
    CHECK(scale_for(1) == 64);
    CHECK(scale_for(0) == 1);
    const Image image{200, 10, 1, Bytes(2000, 7)};
    CHECK(scaled(image, 0).width == 600);
    CHECK(scaled(image, 5).width == 1000);
    CHECK(scale_of(600, 200) == std::size_t{3});
    CHECK_FALSE(scale_of(601, 200));
    CHECK_FALSE(scale_of(0, 200));
    CHECK_FALSE(scale_of(200, 0));
}

TEST_CASE("a picture says what it is of") {
    const std::vector<PngText> texts = picture_texts(7, 2000, "abc");
    CHECK(png_text(texts, "Software") == "duet " DUET_VERSION);
    CHECK(png_text(texts, "Seed") == "7");
    CHECK(png_text(texts, "Step") == "2000");
    CHECK(png_text(texts, "Weights SHA-256") == "abc");
    CHECK(picture_texts(7, {}, {}).size() == 2);
}

TEST_CASE("a frame of an animation has step and run below the picture") {
    for (const std::size_t channels : {1, 3}) {
        const Image picture{120, 50, channels, Bytes(120 * 50 * channels, 77)};
        const Image frame = animation_frame(picture, 20, "runs/first");
        CHECK(frame.width == 120);
        CHECK(frame.height == 50 + 14);
        const auto below = frame.pixels.begin() + static_cast<std::ptrdiff_t>(picture.pixels.size());
        CHECK(Bytes(frame.pixels.begin(), below) == picture.pixels);
        Image expected{120, 14, channels, Bytes(120 * 14 * channels, 0)};
        draw_text(expected, 3, 3, "step 20  runs/first", {230, 230, 230});
        CHECK(Bytes(below, frame.pixels.end()) == expected.pixels);
        // Wider pictures have larger letters; a name too long is cut; any width will do.
        CHECK(animation_frame(magnified(picture, 5), 20, "x").height == 250 + 28);
        Image cut{120, 14, channels, Bytes(120 * 14 * channels, 0)};
        draw_text(cut, 3, 3, "step 20  a name t..", {230, 230, 230});
        const Image long_name = animation_frame(picture, 20, "a name that is too long");
        CHECK(Bytes(long_name.pixels.begin() + (below - frame.pixels.begin()), long_name.pixels.end()) ==
              cut.pixels);
        for (std::size_t width = 1; width < 30; ++width)
            CHECK(animation_frame({width, 1, channels, Bytes(width * channels)}, 1, "run").width == width);
    }
    CHECK_THROWS_AS(stacked({}), Error);
    const std::vector<Image> unlike = {{2, 1, 1, {0, 0}}, {1, 1, 1, {0}}};
    CHECK_THROWS_AS(stacked(unlike), Error);
}
