#include "animation.hpp"

#include <doctest/doctest.h>
#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace duet::testing {
namespace {

struct Source {
    const Bytes& bytes;
    std::size_t at;
};

int read(GifFileType* file, GifByteType* target, int wanted) {
    auto& source = *static_cast<Source*>(file->UserData);
    const std::size_t count = std::min(static_cast<std::size_t>(wanted), source.bytes.size() - source.at);
    std::memcpy(target, source.bytes.data() + source.at, count);
    source.at += count;
    return static_cast<int>(count);
}

}  // namespace

Animation decode_gif(const Bytes& bytes) {
    Source source{bytes, 0};
    int error = 0;
    GifFileType* const file = DGifOpen(&source, read, &error);
    REQUIRE(file != nullptr);
    REQUIRE(DGifSlurp(file) == GIF_OK);
    Animation result{file->SWidth, file->SHeight, {}};
    for (int i = 0; i < file->ImageCount; ++i) {
        const SavedImage& image = file->SavedImages[i];
        REQUIRE(image.ImageDesc.Width == file->SWidth);
        REQUIRE(image.ImageDesc.Height == file->SHeight);
        const ColorMapObject* const map =
            image.ImageDesc.ColorMap != nullptr ? image.ImageDesc.ColorMap : file->SColorMap;
        REQUIRE(map != nullptr);
        GraphicsControlBlock control{};
        REQUIRE(DGifSavedExtensionToGCB(file, i, &control) == GIF_OK);
        Animation::Frame frame{{}, control.DelayTime};
        for (int pixel = 0; pixel < file->SWidth * file->SHeight; ++pixel) {
            const GifColorType& color = map->Colors[image.RasterBits[pixel]];
            frame.pixels.insert(frame.pixels.end(), {color.Red, color.Green, color.Blue});
        }
        result.frames.push_back(std::move(frame));
    }
    CHECK(source.at == bytes.size());
    DGifCloseFile(file, &error);
    return result;
}

}  // namespace duet::testing
