#pragma once

#include <vector>

#include <duet/data/file.hpp>

namespace duet::testing {

/// What giflib's own reader makes of a GIF file.
struct Animation {
    struct Frame {
        Bytes pixels;  ///< (height, width, 3): red, green, blue
        int delay;     ///< hundredths of a second
    };

    int width = 0;
    int height = 0;
    std::vector<Frame> frames;
};

/// Reads a GIF file whose frames all cover the whole picture; fails the test at hand for any other.
Animation decode_gif(const Bytes& bytes);

}  // namespace duet::testing
