#include <duet/data/png.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <png.h>

#include <algorithm>
#include <array>
#include <memory>
#include <xtensor/xarray.hpp>

#include <duet/data/image_array.hpp>
#include <duet/data/png_chunks.hpp>
#include <duet/data/sizes.hpp>
#include <duet/graph/error.hpp>

namespace duet {
namespace {

/// A PNG file as small as one can be: signature, IHDR, IEND.
constexpr std::size_t signature_bytes = 8, least_png_bytes = signature_bytes + 25 + 12;
constexpr std::size_t bit_depth_offset = 24;
constexpr std::size_t color_type_offset = 25;
constexpr std::array<unsigned char, 12> end_chunk = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};

/// The file without the chunks that say nothing of its pixels: libpng takes memory for what they say, not for
/// what they are.
Bytes only_of_pixels(std::span<const std::byte> contents, std::string_view origin) {
    constexpr std::array of_pixels = {"tRNS", "gAMA", "cHRM", "sRGB"};
    const auto* start = reinterpret_cast<const std::uint8_t*>(contents.data());
    Bytes kept(start, start + signature_bytes);
    PngChunks chunks(contents, origin);
    for (bool last = false; !last;) {
        const PngChunk chunk = chunks.next();
        last = chunk.type == "IEND";
        if (chunk.critical() || std::find(of_pixels.begin(), of_pixels.end(), chunk.type) != of_pixels.end())
            kept.insert(kept.end(), chunk.whole.begin(), chunk.whole.end());
    }
    return kept;
}

/// libpng's simplified interface, which keeps its longjmp to itself.
class PngImage {
 public:
    PngImage() { image.version = PNG_IMAGE_VERSION; }
    PngImage(const PngImage&) = delete;
    PngImage& operator=(const PngImage&) = delete;
    ~PngImage() { png_image_free(&image); }

    png_image image{};
};

/// Whether the sizes are within the limits; zero is not.
bool within_limits(std::uint64_t width, std::uint64_t height) {
    return width >= 1 && height >= 1 && width <= max_image_side && height <= max_image_side &&
           width * height <= max_image_pixels;
}

std::string limits() {
    return fmt::format("1 to {} pixels a side and at most {} in all", max_image_side, max_image_pixels);
}

png_uint_32 format_of(std::size_t channels) {
    return channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
}

/// Where picture `index` of a grid starts, and how large the grid is.
struct Grid {
    Grid(std::size_t count, std::size_t width, std::size_t height, std::size_t columns, std::size_t padding)
        : cell_width(width + padding), cell_height(height + padding), columns(columns), padding(padding) {
        if (count == 0) throw Error("a grid of no pictures was asked for, expected at least one");
        if (columns == 0) throw Error("a grid of 0 columns was asked for, expected at least 1");
        if (!within_limits(width, height)) {
            throw Error(
                fmt::format("the pictures of a grid are {} x {}, expected {}", width, height, limits()));
        }
        if (padding > max_image_side) {
            throw Error(
                fmt::format("a grid's padding is {} pixels, expected at most {}", padding, max_image_side));
        }
        const std::size_t across = std::min(count, columns);
        const std::size_t down = (count - 1) / columns + 1;
        const bool countable = across <= max_image_side && down <= max_image_side;
        if (!countable || !within_limits(across * cell_width + padding, down * cell_height + padding)) {
            throw Error(fmt::format("a grid of {} x {} pictures of {} x {} pixels is too large, expected {}",
                                    across, down, width, height, limits()));
        }
        total_width = across * cell_width + padding;
        total_height = down * cell_height + padding;
    }
    std::size_t left(std::size_t index) const { return padding + index % columns * cell_width; }
    std::size_t top(std::size_t index) const { return padding + index / columns * cell_height; }

    std::size_t cell_width;
    std::size_t cell_height;
    std::size_t columns;
    std::size_t padding;
    std::size_t total_width = 0;
    std::size_t total_height = 0;
};

Image blank(const Grid& grid, std::size_t channels, std::uint8_t background) {
    return {grid.total_width, grid.total_height, channels,
            Bytes(grid.total_width * grid.total_height * channels, background)};
}

void check_image(const Image& image) {
    if (image.channels != 1 && image.channels != 3) {
        throw Error(fmt::format("a picture has {} channels, expected 1 or 3", image.channels));
    }
    if (!within_limits(image.width, image.height)) {
        throw Error(fmt::format("a picture is {} x {}, expected {}", image.width, image.height, limits()));
    }
    if (image.pixels.size() != image.width * image.height * image.channels) {
        throw Error(fmt::format("a picture of {} x {} with {} channels has {} samples, expected {}",
                                image.width, image.height, image.channels, image.pixels.size(),
                                image.width * image.height * image.channels));
    }
}

/// The channels of the pictures in an array.
std::size_t channels_of(const Array& images, std::size_t height, std::size_t width) {
    const auto& shape = images.shape();
    const bool flat = shape.size() == 2 && within_limits(width, height) && shape[1] == height * width;
    const bool square = shape.size() == 3 && shape[1] == height && shape[2] == width;
    if (flat || square) return 1;
    if (shape.size() == 4 && (shape[1] == 1 || shape[1] == 3) && shape[2] == height && shape[3] == width)
        return shape[1];
    throw ShapeError(
        fmt::format("the array of pictures has shape ({0}), expected (N, 1 or 3, {1}, {2}), (N, {1}, {2}) or "
                    "(N, {1} * {2})",
                    fmt::join(shape, ", "), height, width));
}

}  // namespace

Bytes encode_png(const Image& image) {
    check_image(image);
    PngImage png;
    png.image.width = static_cast<png_uint_32>(image.width);
    png.image.height = static_cast<png_uint_32>(image.height);
    png.image.format = format_of(image.channels);
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png.image);
    // Memory that is not written to is none: most pictures take a small part of the most they can.
    const auto contents = std::make_unique_for_overwrite<std::uint8_t[]>(size);
    if (png_image_write_to_memory(&png.image, contents.get(), &size, 0, image.pixels.data(), 0, nullptr) ==
        0) {
        throw Error(fmt::format("a picture of {} x {} cannot be encoded as PNG: {}", image.width,
                                image.height, png.image.message));
    }
    return {contents.get(), contents.get() + size};
}

void write_png(const std::filesystem::path& path, const Image& image) {
    const Bytes contents = encode_png(image);
    write_file_atomically(path, std::as_bytes(std::span(contents)));
}

Image read_png(const std::filesystem::path& path) {
    const Bytes contents = read_file(path, max_image_pixels * 4);
    return parse_png(std::as_bytes(std::span(contents)), path.string());
}

Image parse_png(std::span<const std::byte> contents, std::string_view origin) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(contents.data());
    if (contents.size() < least_png_bytes || png_sig_cmp(bytes, 0, 8) != 0) {
        throw FileError(fmt::format("{}: not a PNG file", origin));
    }
    if (!std::equal(end_chunk.begin(), end_chunk.end(), bytes + contents.size() - end_chunk.size())) {
        throw FileError(
            fmt::format("{}: the PNG file does not end with its end mark; is it truncated?", origin));
    }
    const Bytes kept = only_of_pixels(contents, origin);
    PngImage png;
    if (png_image_begin_read_from_memory(&png.image, kept.data(), kept.size()) == 0) {
        throw FileError(fmt::format("{}: damaged PNG file: {}", origin, png.image.message));
    }
    // libpng has found IHDR first and whole, so these two bytes are its.
    const unsigned bit_depth = kept[bit_depth_offset];
    const unsigned color_type = kept[color_type_offset];
    const bool transparent = (png.image.format & PNG_FORMAT_FLAG_ALPHA) != 0;
    if (bit_depth != 8 || (color_type != PNG_COLOR_TYPE_GRAY && color_type != PNG_COLOR_TYPE_RGB) ||
        transparent) {
        throw FileError(
            fmt::format("{}: PNG of bit depth {} and colour type {}{}, expected 8-bit grey (0) or RGB (2) "
                        "without transparency",
                        origin, bit_depth, color_type, transparent ? " with transparency" : ""));
    }
    Image image;
    image.width = png.image.width;
    image.height = png.image.height;
    image.channels = color_type == PNG_COLOR_TYPE_GRAY ? 1 : 3;
    if (!within_limits(image.width, image.height)) {
        throw FileError(fmt::format("{}: the picture is {} x {}, expected {}", origin, image.width,
                                    image.height, limits()));
    }
    const std::uint64_t samples = std::uint64_t{image.width} * image.height * image.channels;
    if (samples > contents.size() * largest_deflate_ratio) {
        throw FileError(fmt::format("{}: damaged PNG file: {} bytes cannot hold a picture of {} x {}", origin,
                                    contents.size(), image.width, image.height));
    }
    png.image.format = format_of(image.channels);
    image.pixels.resize(samples);
    if (png_image_finish_read(&png.image, nullptr, image.pixels.data(), 0, nullptr) == 0) {
        throw FileError(fmt::format("{}: damaged PNG file: {}", origin, png.image.message));
    }
    return image;
}

Image tile_grid(std::span<const Image> images, std::size_t columns, std::size_t padding,
                std::uint8_t background) {
    if (images.empty()) throw Error("a grid of no pictures was asked for, expected at least one");
    const Image& first = images.front();
    for (std::size_t i = 0; i < images.size(); ++i) {
        const Image& image = images[i];
        check_image(image);
        if (image.width != first.width || image.height != first.height || image.channels != first.channels) {
            throw Error(fmt::format(
                "picture {} of a grid is {} x {} with {} channels, expected {} x {} with {} as picture 0", i,
                image.width, image.height, image.channels, first.width, first.height, first.channels));
        }
    }
    const Grid grid(images.size(), first.width, first.height, columns, padding);
    Image result = blank(grid, first.channels, background);
    const std::size_t row_bytes = first.width * first.channels;
    for (std::size_t i = 0; i < images.size(); ++i) {
        for (std::size_t row = 0; row < first.height; ++row) {
            const std::size_t target = ((grid.top(i) + row) * result.width + grid.left(i)) * first.channels;
            std::copy_n(images[i].pixels.data() + row * row_bytes, row_bytes, result.pixels.data() + target);
        }
    }
    return result;
}

Image tile_grid(const Array& images, std::size_t height, std::size_t width, std::size_t columns,
                std::size_t padding, std::uint8_t background) {
    const std::size_t channels = channels_of(images, height, width);
    const std::size_t count = images.shape()[0];
    const Grid grid(count, width, height, columns, padding);
    Image result = blank(grid, channels, background);
    const float* source = images.data();
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t channel = 0; channel < channels; ++channel) {
            for (std::size_t row = 0; row < height; ++row, source += width) {
                std::uint8_t* target = result.pixels.data() +
                                       ((grid.top(i) + row) * result.width + grid.left(i)) * channels +
                                       channel;
                for (std::size_t column = 0; column < width; ++column)
                    target[column * channels] = byte_of(source[column]);
            }
        }
    }
    return result;
}

Image magnified(const Image& image, std::size_t scale) {
    check_image(image);
    const bool countable = scale <= max_image_side;
    if (!countable || !within_limits(image.width * scale, image.height * scale))
        throw Error(
            fmt::format("a picture of {} x {}, magnified {} times, is too small or too large, expected {}",
                        image.width, image.height, scale, limits()));
    if (scale == 1) return image;
    Image result{image.width * scale, image.height * scale, image.channels, {}};
    const std::size_t row_bytes = result.width * result.channels;
    result.pixels.resize(result.height * row_bytes);
    const std::uint8_t* source = image.pixels.data();
    for (std::size_t y = 0; y < image.height; ++y) {
        std::uint8_t* const row = result.pixels.data() + y * scale * row_bytes;
        std::uint8_t* target = row;
        for (std::size_t x = 0; x < image.width; ++x, source += image.channels)
            for (std::size_t i = 0; i < scale; ++i) target = std::copy_n(source, image.channels, target);
        for (std::size_t i = 1; i < scale; ++i) std::copy_n(row, row_bytes, row + i * row_bytes);
    }
    return result;
}

void write_png_grid(const std::filesystem::path& path, const Array& images, std::size_t height,
                    std::size_t width, std::size_t columns, std::size_t padding) {
    write_png(path, tile_grid(images, height, width, columns, padding));
}

}  // namespace duet
