#pragma once

#include <string_view>

#include <duet/data/dataset.hpp>
#include <duet/graph/array.hpp>

namespace duet {

/// What the values of an array of images were taken for: 0 to 1, -1 to 1, or 0 to 255.
enum class ArrayRange { unit, symmetric, bytes };

/// Images that other programs left as an array.
struct ArrayImages {
    Dataset images;
    ArrayRange range;
};

/// The images in an array of shape (n, height, width), (n, channels, height, width), (n, height, width,
/// channels) or (n, all values channel by channel), of the size of `like`, rounded to bytes as pictures are:
/// so an array and the pictures made of it are the same images. Below 0 they are from -1 to 1, above 1 from 0
/// to 255. Throws Error, naming `origin`, for another shape, no images, and values that are not finite (which
/// image) or in none of the ranges.
ArrayImages images_of_array(const Array& values, const Dataset& like, std::string_view origin);

/// A value from 0 to 1 as a picture's byte; NaN is 0.
std::uint8_t byte_of(float value);

}  // namespace duet
