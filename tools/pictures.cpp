#include "pictures.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <duet/graph/error.hpp>

namespace duet::tools {

namespace {

constexpr std::size_t space_around_letters = 3;
constexpr std::size_t picture_width_a_letter_pixel = 240, largest_letter_scale = 3;
constexpr Color light = {230, 230, 230}, dark = {0, 0, 0};

/// As much of the text as a width has room for.
std::string fitting(std::string_view text, std::size_t width, std::size_t scale) {
    const std::size_t room = (width + scale) / (letter_step * scale);
    if (text.size() <= room) return std::string(text);
    constexpr std::string_view dots = "..";
    if (room <= dots.size()) return std::string(text.substr(0, room));
    return std::string(text.substr(0, room - dots.size())) + std::string(dots);
}

Image filled_image(std::size_t width, std::size_t height, std::size_t channels, Color color) {
    Image image{width, height, channels, Bytes(width * height * channels)};
    for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = color[i % channels];
    return image;
}

}  // namespace

std::size_t scale_for(std::size_t width, std::size_t wanted) {
    if (width == 0) return 1;
    return std::clamp<std::size_t>((wanted + width / 2) / width, 1, largest_scale);
}

Image scaled(const Image& picture, std::size_t scale) {
    return magnified(picture, scale == 0 ? scale_for(picture.width) : scale);
}

std::optional<std::size_t> scale_of(std::size_t width, std::size_t plain_width) {
    if (plain_width == 0 || width < plain_width || width % plain_width != 0) return std::nullopt;
    return width / plain_width;
}

Image reduced(const Image& picture, std::size_t scale) {
    if (scale <= 1) return picture;
    Image small{picture.width / scale, picture.height / scale, picture.channels, {}};
    small.pixels.reserve(small.width * small.height * small.channels);
    for (std::size_t y = 0; y < small.height; ++y)
        for (std::size_t x = 0; x < small.width; ++x) {
            const std::size_t from = (y * picture.width + x) * scale * picture.channels;
            for (std::size_t channel = 0; channel < picture.channels; ++channel)
                small.pixels.push_back(picture.pixels[from + channel]);
        }
    return small;
}

std::vector<PngText> picture_texts(std::uint64_t seed, std::optional<std::uint64_t> step,
                                   std::string_view weights_sha256) {
    std::vector<PngText> texts = {{"Software", "duet " DUET_VERSION}, {"Seed", std::to_string(seed)}};
    if (step) texts.push_back({"Step", std::to_string(*step)});
    if (!weights_sha256.empty()) texts.push_back({"Weights SHA-256", std::string(weights_sha256)});
    return texts;
}

std::size_t letter_scale(std::size_t picture_width) {
    return std::clamp<std::size_t>(picture_width / picture_width_a_letter_pixel, 1, largest_letter_scale);
}

Image line_of_text(std::string_view text, std::size_t width, std::size_t channels, Color letters,
                   Color background) {
    const std::size_t scale = letter_scale(width), space = space_around_letters * scale;
    Image line = filled_image(width, letter_height * scale + 2 * space, channels, background);
    const std::size_t room = width > 2 * space ? width - 2 * space : 0;
    draw_text(line, static_cast<std::ptrdiff_t>(space), static_cast<std::ptrdiff_t>(space),
              fitting(text, room, scale), letters, scale);
    return line;
}

Image stacked(std::span<const Image> pictures) {
    if (pictures.empty()) throw Error("pictures to stand below each other are missing");
    Image whole{pictures.front().width, 0, pictures.front().channels, {}};
    for (const Image& picture : pictures) {
        if (picture.width != whole.width || picture.channels != whole.channels)
            throw Error(
                fmt::format("a picture {} pixels wide with {} channels cannot stand below one of {} "
                            "with {}",
                            picture.width, picture.channels, whole.width, whole.channels));
        whole.height += picture.height;
        whole.pixels.insert(whole.pixels.end(), picture.pixels.begin(), picture.pixels.end());
    }
    return whole;
}

Image animation_frame(const Image& picture, std::uint64_t step, std::string_view run) {
    const std::vector<Image> parts = {picture, line_of_text(fmt::format("step {}  {}", step, run),
                                                            picture.width, picture.channels, light, dark)};
    return stacked(parts);
}

}  // namespace duet::tools
