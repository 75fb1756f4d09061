#pragma once

#include <cstddef>

#include <duet/data/batches.hpp>
#include <duet/graph/shape.hpp>

namespace duet::models {

/// What the images of a training are, and in which form its networks see them.
struct ImageFormat {
    std::size_t height = 28;              ///< pixels
    std::size_t width = 28;               ///< pixels
    std::size_t channels = 1;             ///< 1 grey, 3 red-green-blue
    ValueRange range = ValueRange::unit;  ///< of their values
    bool flat = true;                     ///< (batch, values); else (batch, channels, height, width)
    std::size_t classes = 0;              ///< that condition the networks; 0 for none

    /// Values an image.
    std::size_t values() const { return height * width * channels; }
    /// The shape of a batch of images.
    Shape batch_of(std::size_t count) const {
        return flat ? Shape{count, values()} : Shape{count, channels, height, width};
    }
    friend bool operator==(const ImageFormat&, const ImageFormat&) = default;
};

}  // namespace duet::models
