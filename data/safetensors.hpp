#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <xtensor/xarray.hpp>

#include <duet/data/file.hpp>
#include <duet/graph/array.hpp>

namespace duet {

/// An array under its name in a file.
template <class T>
struct NamedArrayOf {
    std::string name;
    ArrayOf<T> value;
};

/// The contents of a safetensors file: named arrays and `__metadata__`.
/// https://github.com/huggingface/safetensors
template <class T>
struct SafetensorsOf {
    std::vector<NamedArrayOf<T>> tensors;  ///< in the order of their data in the file
    std::map<std::string, std::string> metadata;

    /// The array of that name, or null.
    const ArrayOf<T>* find(std::string_view name) const {
        for (const NamedArrayOf<T>& tensor : tensors) {
            if (tensor.name == name) return &tensor.value;
        }
        return nullptr;
    }
};

using NamedArray = NamedArrayOf<float>;
using Safetensors = SafetensorsOf<float>;

/// The largest header read or written, as in the reference implementation: 100 MB.
inline constexpr std::uint64_t max_safetensors_header_bytes = 100'000'000;

/// The arrays in a safetensors file as T, float or double. F32, F64 and I64 are read; F64 is rounded to
/// float, and a number that is infinite as T, or an integer that T does not hold exactly, is an error. The
/// file is trusted with nothing: as in the reference implementation the header must be JSON of at most 100 MB
/// within the file, names unique, and the arrays must tile the rest of the file without hole or overlap, each
/// as long as its shape says. Throws FileError naming the path, the array, what was found and what was
/// expected.
template <class T>
SafetensorsOf<T> read_safetensors_as(const std::filesystem::path& path);

/// The same from memory; `origin` stands for the path in errors.
template <class T>
SafetensorsOf<T> parse_safetensors_as(std::span<const std::byte> contents, std::string_view origin);

inline Safetensors read_safetensors(const std::filesystem::path& path) {
    return read_safetensors_as<float>(path);
}

/// An array that stays where it is, under its name in a file.
template <class T>
struct ArrayViewOf {
    std::string_view name;
    const ArrayOf<T>* value;
};
using ArrayView = ArrayViewOf<float>;

/// The bytes of a safetensors file in pieces, of which only the first, the header, is held here: the others
/// are the arrays' values where they are.
struct SafetensorsPieces {
    Bytes header;
    std::vector<std::span<const std::byte>> pieces;

    SafetensorsPieces() = default;
    SafetensorsPieces(SafetensorsPieces&&) = default;
    SafetensorsPieces& operator=(SafetensorsPieces&&) = default;
};

/// Arrays and metadata as the pieces of a safetensors file, to be used while the arrays stay. Throws as
/// encode_safetensors does.
template <class T>
SafetensorsPieces safetensors_pieces(std::span<const ArrayViewOf<T>> arrays,
                                     const std::map<std::string, std::string>& metadata);

/// Arrays and metadata as the bytes of a safetensors file, arrays in the order given, as F32 or F64 by T; the
/// same contents give the same bytes. Throws Error if two arrays share a name, if a name is `__metadata__`,
/// or if a name or metadata is not UTF-8.
template <class T>
Bytes encode_safetensors(std::span<const ArrayViewOf<T>> arrays,
                         const std::map<std::string, std::string>& metadata);
template <class T>
Bytes encode_safetensors(const SafetensorsOf<T>& contents);

/// Writes encode_safetensors(contents) with write_file_atomically. Throws Error and FileError as they do.
template <class T>
void write_safetensors(const std::filesystem::path& path, const SafetensorsOf<T>& contents);

extern template SafetensorsOf<float> read_safetensors_as(const std::filesystem::path&);
extern template SafetensorsOf<double> read_safetensors_as(const std::filesystem::path&);
extern template SafetensorsOf<float> parse_safetensors_as(std::span<const std::byte>, std::string_view);
extern template SafetensorsOf<double> parse_safetensors_as(std::span<const std::byte>, std::string_view);
extern template SafetensorsPieces safetensors_pieces(std::span<const ArrayViewOf<float>>,
                                                     const std::map<std::string, std::string>&);
extern template Bytes encode_safetensors(std::span<const ArrayViewOf<float>>,
                                         const std::map<std::string, std::string>&);
extern template Bytes encode_safetensors(std::span<const ArrayViewOf<double>>,
                                         const std::map<std::string, std::string>&);
extern template Bytes encode_safetensors(const SafetensorsOf<float>&);
extern template Bytes encode_safetensors(const SafetensorsOf<double>&);
extern template void write_safetensors(const std::filesystem::path&, const SafetensorsOf<float>&);
extern template void write_safetensors(const std::filesystem::path&, const SafetensorsOf<double>&);

}  // namespace duet
