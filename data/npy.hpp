#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include <duet/data/file.hpp>
#include <duet/graph/array.hpp>

namespace duet {

/// The array as the bytes of a NumPy .npy file: version 1.0, little-endian float32 ('<f4'), row-major, its
/// data at a multiple of 64 bytes. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
Bytes encode_npy(const Array& array);

/// Writes encode_npy(array) with write_file_atomically. Throws FileError as that does.
void write_npy(const std::filesystem::path& path, const Array& array);

/// The array in a .npy file of version 1.0 with '<f4', '<f8', '<i8' or '|u1' data, row-major or column-major
/// ("Fortran order"), as write_npy and NumPy write it. '<f8' is rounded to float32; a number that is infinite
/// in it, or an integer that it does not hold exactly, is an error. Throws FileError, naming the path, for
/// these, for anything else, and for a file that is shorter or longer than its shape says.
Array read_npy(const std::filesystem::path& path);

/// The same from memory; `origin` stands for the path in errors.
Array parse_npy(std::span<const std::byte> contents, std::string_view origin);

}  // namespace duet
