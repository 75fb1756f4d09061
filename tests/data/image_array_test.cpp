#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <xtensor/xarray.hpp>

#include <duet/data/image_array.hpp>
#include <duet/graph/error.hpp>

using namespace duet;

namespace {

Dataset sized(std::size_t height, std::size_t width, std::size_t channels) {
    return {1, height, width, channels, Bytes(height * width * channels), {}, {}};
}

/// Two images whose bytes count up.
Bytes counting(std::size_t size) {
    Bytes bytes(2 * size);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(5 * i);
    return bytes;
}

}  // namespace

TEST_CASE("images come out of arrays of every layout and range") {
    const Dataset like = sized(2, 3, 3);
    const Bytes bytes = counting(18);
    for (const auto& [range, scale, offset] :
         {std::tuple(ArrayRange::unit, 1 / 255.0F, 0.0F),
          std::tuple(ArrayRange::symmetric, 2 / 255.0F, -1.0F), std::tuple(ArrayRange::bytes, 1.0F, 0.0F)}) {
        Array last = Array::from_shape({2, 2, 3, 3}), first = Array::from_shape({2, 3, 2, 3});
        for (std::size_t i = 0; i < 2; ++i)
            for (std::size_t pixel = 0; pixel < 6; ++pixel)
                for (std::size_t channel = 0; channel < 3; ++channel) {
                    const float value =
                        static_cast<float>(bytes[18 * i + 3 * pixel + channel]) * scale + offset;
                    last.data()[18 * i + 3 * pixel + channel] = value;
                    first.data()[18 * i + 6 * channel + pixel] = value;
                }
        Array flat = first;
        flat.reshape({2, 18});
        for (const Array* array : {&last, &first, &flat}) {
            const ArrayImages found = images_of_array(*array, like, "x.npy");
            CHECK(found.images.images == bytes);
            CHECK(found.images.count == 2);
            CHECK(found.range == range);
        }
    }
    Array grey = Array::from_shape({2, 2, 3});
    grey.fill(0.5F);
    CHECK(images_of_array(grey, sized(2, 3, 1), "x.npy").images.images == Bytes(12, 128));
}

TEST_CASE("arrays that hold no such images are refused") {
    const Dataset like = sized(2, 3, 1);
    Array values = Array::from_shape({4, 2, 3});
    values.fill(0.5F);
    CHECK_NOTHROW(images_of_array(values, like, "x.npy"));
    CHECK_THROWS_WITH_AS(
        images_of_array(values, sized(3, 2, 1), "x.npy"),
        "x.npy: an array of shape (4, 2, 3) holds no images of 3x2 with 1 channel(s); expected "
        "(n, 1, 3, 2), (n, 3, 2, 1) or (n, 6)",
        Error);
    values(2, 1, 0) = std::numeric_limits<float>::quiet_NaN();
    CHECK_THROWS_WITH_AS(images_of_array(values, like, "x.npy"), "x.npy: image 2 holds nan: it is not finite",
                         Error);
    values(2, 1, 0) = 256;
    CHECK_THROWS_WITH_AS(images_of_array(values, like, "x.npy"),
                         "x.npy: values from 0 to 256; expected 0 to 1, -1 to 1, or 0 to 255", Error);
    values(2, 1, 0) = -3;
    CHECK_THROWS_AS(images_of_array(values, like, "x.npy"), Error);
    CHECK_THROWS_WITH_AS(images_of_array(Array::from_shape({0, 2, 3}), like, "x.npy"),
                         "x.npy: holds no images", Error);
}
