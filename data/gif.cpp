#include <duet/data/gif.hpp>

#include <fmt/format.h>
#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <exception>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

#include <duet/graph/error.hpp>

namespace duet {
namespace {

constexpr int palette_size = 256;
constexpr int palette_bits = 8;

[[noreturn]] void fail(int code) {
    const char* const reason = GifErrorString(code);
    throw Error(
        fmt::format("a GIF animation cannot be encoded: {}", reason != nullptr ? reason : "unknown cause"));
}

class ColorMap {
 public:
    ColorMap() : map_(GifMakeMapObject(palette_size, nullptr)) {
        if (map_ == nullptr) fail(E_GIF_ERR_NOT_ENOUGH_MEM);
    }
    ColorMap(const ColorMap&) = delete;
    ColorMap& operator=(const ColorMap&) = delete;
    ~ColorMap() { GifFreeMapObject(map_); }
    ColorMapObject* get() const { return map_; }
    GifColorType* colors() const { return map_->Colors; }

 private:
    ColorMapObject* map_;
};

/// giflib's way out; it cannot pass an exception on.
int append(GifFileType* file, const GifByteType* bytes, int count) {
    try {
        auto& contents = *static_cast<Bytes*>(file->UserData);
        contents.insert(contents.end(), bytes, bytes + count);
        return count;
    } catch (const std::exception&) {
        return 0;
    }
}

/// The index of each pixel's colour in the palette that is put into `map`.
Bytes quantize(const Image& frame, const ColorMap& map) {
    const std::size_t pixels = frame.width * frame.height;
    std::array<Bytes, 3> planes;
    for (std::size_t channel = 0; channel < planes.size(); ++channel) {
        planes[channel].resize(pixels);
        for (std::size_t i = 0; i < pixels; ++i) planes[channel][i] = frame.pixels[i * 3 + channel];
    }
    Bytes indices(pixels);
    int colors = palette_size;
    if (GifQuantizeBuffer(static_cast<unsigned>(frame.width), static_cast<unsigned>(frame.height), &colors,
                          planes[0].data(), planes[1].data(), planes[2].data(), indices.data(),
                          map.colors()) == GIF_ERROR)
        fail(E_GIF_ERR_NOT_ENOUGH_MEM);
    return indices;
}

}  // namespace

struct GifAnimation::State {
    State(std::size_t width, std::size_t height, std::size_t channels)
        : width(width), height(height), channels(channels) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        int ignored = 0;
        if (file != nullptr) EGifCloseFile(file, &ignored);
    }

    void check(int code) const {
        if (code == GIF_ERROR) fail(file->Error);
    }

    void begin() {
        int error = 0;
        file = EGifOpen(&contents, append, &error);
        if (file == nullptr) fail(error);
        EGifSetGifVersion(file, true);
        check(EGifPutScreenDesc(file, static_cast<int>(width), static_cast<int>(height), palette_bits, 0,
                                channels == 1 ? palette.get() : nullptr));
        constexpr std::string_view application = "NETSCAPE2.0";
        constexpr std::array<GifByteType, 3> without_end = {1, 0, 0};
        check(EGifPutExtensionLeader(file, APPLICATION_EXT_FUNC_CODE));
        check(EGifPutExtensionBlock(file, static_cast<int>(application.size()), application.data()));
        check(EGifPutExtensionBlock(file, static_cast<int>(without_end.size()), without_end.data()));
        check(EGifPutExtensionTrailer(file));
    }

    void add(Bytes indices, unsigned hundredths) {
        GraphicsControlBlock control{};
        control.DisposalMode = DISPOSE_DO_NOT;
        control.DelayTime = static_cast<int>(hundredths);
        control.TransparentColor = NO_TRANSPARENT_COLOR;
        std::array<GifByteType, 4> extension{};
        EGifGCBToExtension(&control, extension.data());
        check(EGifPutExtension(file, GRAPHICS_EXT_FUNC_CODE, static_cast<int>(extension.size()),
                               extension.data()));
        check(EGifPutImageDesc(file, 0, 0, static_cast<int>(width), static_cast<int>(height), false,
                               channels == 1 ? nullptr : palette.get()));
        for (std::size_t row = 0; row < height; ++row)
            check(EGifPutLine(file, indices.data() + row * width, static_cast<int>(width)));
        ++frames;
    }

    const std::size_t width, height, channels;
    std::size_t frames = 0;
    ColorMap palette;
    Bytes contents;
    GifFileType* file = nullptr;
};

GifAnimation::GifAnimation(std::size_t width, std::size_t height, std::size_t channels) {
    const bool drawable = width >= 1 && height >= 1 && width <= max_gif_side && height <= max_gif_side;
    if (!drawable || (channels != 1 && channels != 3)) {
        throw Error(fmt::format(
            "a GIF animation of {} x {} with {} channels was asked for, expected 1 to {} pixels a side and 1 "
            "or 3 channels",
            width, height, channels, max_gif_side));
    }
    state_ = std::make_unique<State>(width, height, channels);
    if (channels == 1) {
        for (int level = 0; level < palette_size; ++level) {
            const auto value = static_cast<GifByteType>(level);
            state_->palette.colors()[level] = {value, value, value};
        }
    }
    state_->begin();
}

GifAnimation::~GifAnimation() = default;

void GifAnimation::add(const Image& frame, unsigned hundredths) {
    if (state_->file == nullptr) throw Error("a frame was added to a GIF animation that is finished");
    if (frame.width != state_->width || frame.height != state_->height ||
        frame.channels != state_->channels ||
        frame.pixels.size() != frame.width * frame.height * frame.channels) {
        throw Error(
            fmt::format("frame {} of a GIF animation is {} x {} with {} channels and {} samples, expected {} "
                        "x {} with {}",
                        state_->frames, frame.width, frame.height, frame.channels, frame.pixels.size(),
                        state_->width, state_->height, state_->channels));
    }
    if (hundredths > std::numeric_limits<std::uint16_t>::max())
        throw Error(
            fmt::format("a frame of a GIF animation is shown for {} hundredths of a second, expected "
                        "at most {}",
                        hundredths, std::numeric_limits<std::uint16_t>::max()));
    state_->add(frame.channels == 1 ? frame.pixels : quantize(frame, state_->palette), hundredths);
}

Bytes GifAnimation::finish() {
    if (state_->file == nullptr) throw Error("a GIF animation was finished twice");
    if (state_->frames == 0) throw Error("a GIF animation without frames was asked for");
    int error = 0;
    if (EGifCloseFile(std::exchange(state_->file, nullptr), &error) == GIF_ERROR) fail(error);
    return std::move(state_->contents);
}

void write_gif(const std::filesystem::path& path, GifAnimation& animation) {
    const Bytes contents = animation.finish();
    write_file_atomically(path, std::as_bytes(std::span(contents)));
}

}  // namespace duet
