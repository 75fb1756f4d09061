#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>

#include <duet/data/file.hpp>
#include <duet/data/png.hpp>

namespace duet {

/// The most pixels along a side of a GIF picture.
inline constexpr std::size_t max_gif_side = 65'535;

/// An animated GIF (GIF89a, W3C 1990) that is put together frame by frame and repeats without end. Grey
/// frames keep their 256 levels; each colour frame gets the palette of 256 colours that giflib's median cut
/// (Heckbert, "Color image quantization for frame buffer display", 1982) finds for it. The same frames give
/// the same bytes. Only the compressed frames are held.
class GifAnimation {
 public:
    /// Of frames of this size with 1 or 3 channels. Throws Error for other channels or a side of zero or
    /// above max_gif_side.
    GifAnimation(std::size_t width, std::size_t height, std::size_t channels);
    ~GifAnimation();
    GifAnimation(const GifAnimation&) = delete;
    GifAnimation& operator=(const GifAnimation&) = delete;

    /// Adds a frame that is shown for this many hundredths of a second, at most 65,535. Throws Error for a
    /// frame of another size or another number of channels.
    void add(const Image& frame, unsigned hundredths);

    /// The file. Throws Error if no frame was added; nothing can be added after it.
    Bytes finish();

 private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Writes the file of an animation with write_file_atomically, and so finishes it. Throws Error and FileError
/// as they do.
void write_gif(const std::filesystem::path& path, GifAnimation& animation);

}  // namespace duet
