#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include <duet/data/file.hpp>
#include <duet/data/safetensors.hpp>

namespace duet {

/// The contents as the bytes of a .npz file, NumPy's archive of arrays: a zip archive that stores each array
/// as encode_npy makes it, under its name and ".npy", and each entry of the metadata as UTF-8 text under
/// "__metadata__/<key>", which numpy.load gives as bytes.
/// https://numpy.org/doc/stable/reference/generated/numpy.savez.html
/// The same contents give the same bytes. Throws Error for two arrays of one name, for a name that begins
/// with
/// "__metadata__/", and for more than a zip archive holds.
Bytes encode_npz(const Safetensors& contents);

/// Writes encode_npz(contents) with write_file_atomically. Throws Error and FileError as they do.
void write_npz(const std::filesystem::path& path, const Safetensors& contents);

/// The arrays in a .npz file and what stands under "__metadata__/", as encode_npz, numpy.savez and
/// numpy.savez_compressed write it; arrays in the archive's order, of the types that read_npy takes. Throws
/// FileError naming the path and the member for a damaged archive or array, for a member that is neither, and
/// if all together unpack to more than `max_bytes`, before memory is taken for them.
Safetensors read_npz(const std::filesystem::path& path, std::uint64_t max_bytes = default_max_file_bytes);

/// The same from memory; `origin` stands for the path in errors.
Safetensors parse_npz(std::span<const std::byte> contents, std::string_view origin,
                      std::uint64_t max_bytes = default_max_file_bytes);

}  // namespace duet
