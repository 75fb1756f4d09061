#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <duet/data/dataset.hpp>
#include <duet/data/safetensors.hpp>

namespace duet {

/// SHA-256 (FIPS 180-4) in hexadecimal digits.
std::string sha256(std::span<const std::byte> bytes);

/// Of all that a data set holds, sizes, images, labels and names of classes: the same for the same images,
/// however their files are packed.
std::string sha256(const Dataset& data);

/// Of arrays: names, shapes and values, in their order.
std::string sha256(std::span<const ArrayView> arrays);

}  // namespace duet
