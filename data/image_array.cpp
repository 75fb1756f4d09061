#include <duet/data/image_array.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>

namespace duet {

namespace {

/// Where in an image of the array the value of a channel and pixel stands.
struct Layout {
    std::size_t channel, pixel;
};

Layout layout_of(const Array& values, const Dataset& like, std::string_view origin) {
    const auto& shape = values.shape();
    const std::size_t channels = like.channels, height = like.height, width = like.width;
    const auto is = [&](std::initializer_list<std::size_t> extents) {
        return shape.size() == extents.size() + 1 &&
               std::equal(extents.begin(), extents.end(), shape.begin() + 1);
    };
    const Layout channels_first{height * width, 1}, channels_last{1, channels};
    if (is({channels, height, width}) || is({like.image_size()})) return channels_first;
    if (is({height, width, channels})) return channels_last;
    if (channels == 1 && is({height, width})) return channels_first;
    throw Error(fmt::format(
        "{}: an array of shape ({}) holds no images of {}x{} with {} channel(s); expected (n, {}, {}, {}), "
        "(n, {}, {}, {}) or (n, {})",
        origin, fmt::join(shape, ", "), height, width, channels, channels, height, width, height, width,
        channels, like.image_size()));
}

ArrayRange range_of(const Array& values, std::size_t image_size, std::string_view origin) {
    float lowest = 0, highest = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const float value = values.data()[i];
        if (!std::isfinite(value))
            throw Error(
                fmt::format("{}: image {} holds {}: it is not finite", origin, i / image_size, value));
        lowest = std::min(lowest, value);
        highest = std::max(highest, value);
    }
    // What a generator rounds may be beyond by a little.
    constexpr float slack = 1e-3F, largest_byte = 255;
    if (lowest >= -slack && highest <= 1 + slack) return ArrayRange::unit;
    if (lowest >= -1 - slack && highest <= 1 + slack) return ArrayRange::symmetric;
    if (lowest >= 0 && highest <= largest_byte) return ArrayRange::bytes;
    throw Error(fmt::format("{}: values from {} to {}; expected 0 to 1, -1 to 1, or 0 to 255", origin, lowest,
                            highest));
}

}  // namespace

std::uint8_t byte_of(float value) {
    if (!(value > 0.0F)) return 0;
    return static_cast<std::uint8_t>(std::min(value, 1.0F) * 255.0F + 0.5F);
}

ArrayImages images_of_array(const Array& values, const Dataset& like, std::string_view origin) {
    const Layout layout = layout_of(values, like, origin);
    const std::size_t count = values.shape()[0], pixels = like.height * like.width;
    if (count == 0) throw Error(fmt::format("{}: holds no images", origin));
    const ArrayRange range = range_of(values, like.image_size(), origin);
    const auto in_unit = [range](float value) {
        return range == ArrayRange::unit        ? value
               : range == ArrayRange::symmetric ? 0.5F * value + 0.5F
                                                : value / 255.0F;
    };
    ArrayImages made{{count, like.height, like.width, like.channels, Bytes(values.size()), {}, {}}, range};
    std::uint8_t* to = made.images.images.data();
    for (std::size_t i = 0; i < count; ++i)
        for (std::size_t pixel = 0; pixel < pixels; ++pixel)
            for (std::size_t channel = 0; channel < like.channels; ++channel)
                *to++ = byte_of(in_unit(
                    values.data()[i * like.image_size() + channel * layout.channel + pixel * layout.pixel]));
    return made;
}

}  // namespace duet
