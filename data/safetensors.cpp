#include <duet/data/safetensors.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <set>
#include <type_traits>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <duet/data/safetensors_header.hpp>
#include <duet/data/sizes.hpp>
#include <duet/data/stored_values.hpp>
#include <duet/graph/error.hpp>

namespace duet {
namespace {

static_assert(std::endian::native == std::endian::little, "the file formats here are little-endian");

constexpr std::size_t length_bytes = 8;
constexpr std::size_t alignment = 8;
constexpr std::string_view metadata_key = "__metadata__";

template <class T>
constexpr std::string_view dtype_name = std::is_same_v<T, float> ? "F32" : "F64";

/// Bytes an element, for the types that are read; an error for the others.
std::size_t element_bytes(const TensorEntry& entry, std::string_view origin) {
    if (entry.dtype == "F32") return sizeof(float);
    if (entry.dtype == "F64") return sizeof(double);
    if (entry.dtype == "I64") return sizeof(std::int64_t);
    constexpr std::array others = {"BOOL", "U8",  "I8",   "F8_E5M2", "F8_E4M3", "I16",
                                   "U16",  "F16", "BF16", "I32",     "U32",     "U64"};
    const bool known = std::find(others.begin(), others.end(), entry.dtype) != others.end();
    throw FileError(fmt::format("{}: array {} has {} dtype {}, expected F32, F64 or I64", origin,
                                quoted_for_message(entry.name), known ? "the unsupported" : "the unknown",
                                quoted_for_message(entry.dtype)));
}

/// Orders the entries by their data and checks that these tile a buffer of `buffer_bytes`, each of its
/// shape's size.
void check_entries(std::vector<TensorEntry>& entries, std::uint64_t buffer_bytes, std::string_view origin) {
    std::stable_sort(entries.begin(), entries.end(), [](const TensorEntry& a, const TensorEntry& b) {
        return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
    });
    std::uint64_t expected_begin = 0;
    for (const TensorEntry& entry : entries) {
        if (entry.begin != expected_begin || entry.end < entry.begin || entry.end > buffer_bytes) {
            throw FileError(
                fmt::format("{}: array {} has data_offsets [{}, {}], expected to start at {} and to end by "
                            "{}: arrays must "
                            "follow each other without hole or overlap within the file",
                            origin, quoted_for_message(entry.name), entry.begin, entry.end, expected_begin,
                            buffer_bytes));
        }
        const std::size_t size = element_bytes(entry, origin);
        const std::optional<std::uint64_t> count = checked_element_count(entry.shape);
        if (!count) {
            throw FileError(fmt::format("{}: array {} has shape ({}), more than an array can have", origin,
                                        quoted_for_message(entry.name), join_sizes(entry.shape)));
        }
        if (*count * size != entry.end - entry.begin) {
            throw FileError(fmt::format(
                "{}: array {} of dtype {} and shape ({}) needs {} bytes, its data_offsets [{}, {}] give {}",
                origin, quoted_for_message(entry.name), entry.dtype, join_sizes(entry.shape), *count * size,
                entry.begin, entry.end, entry.end - entry.begin));
        }
        expected_begin = entry.end;
    }
    if (expected_begin != buffer_bytes) {
        throw FileError(
            fmt::format("{}: the arrays end at byte {} of the data, but the file has {}: {} belong to none",
                        origin, expected_begin, buffer_bytes, buffer_bytes - expected_begin));
    }
}

template <class Stored, class T>
void copy_values_as(const TensorEntry& entry, std::span<const std::byte> data, ArrayOf<T>& target,
                    std::string_view origin) {
    if (const auto beyond = copy_stored<Stored>(data, target.data()))
        throw FileError(fmt::format("{}: array {} holds {}, which is beyond float{}", origin,
                                    quoted_for_message(entry.name), *beyond, 8 * sizeof(T)));
}

template <class T>
void copy_values(const TensorEntry& entry, std::span<const std::byte> data, ArrayOf<T>& target,
                 std::string_view origin) {
    if (entry.dtype == "F32")
        copy_values_as<float>(entry, data, target, origin);
    else if (entry.dtype == "F64")
        copy_values_as<double>(entry, data, target, origin);
    else
        copy_values_as<std::int64_t>(entry, data, target, origin);
}

template <class T>
std::vector<ArrayViewOf<T>> views_of(const SafetensorsOf<T>& contents) {
    std::vector<ArrayViewOf<T>> views;
    views.reserve(contents.tensors.size());
    for (const NamedArrayOf<T>& tensor : contents.tensors) views.push_back({tensor.name, &tensor.value});
    return views;
}

/// A JSON string. A header is written as text: the library's objects take memory to be destroyed, and end the
/// program where there is none.
std::string json_string(std::string_view text) {
    try {
        return nlohmann::json(text).dump();
    } catch (const nlohmann::json::type_error&) {
        throw Error("a name or metadata of arrays to be saved is not UTF-8");
    }
}

std::string header_metadata(const std::map<std::string, std::string>& metadata) {
    std::string text;
    for (const auto& [key, value] : metadata)
        text += fmt::format("{}{}:{}", text.empty() ? "{" : ",", json_string(key), json_string(value));
    return text + "}";
}

}  // namespace

template <class T>
SafetensorsOf<T> parse_safetensors_as(std::span<const std::byte> contents, std::string_view origin) {
    if (contents.size() < length_bytes) {
        throw FileError(
            fmt::format("{}: not a safetensors file: it has {} bytes, the header's length takes {}", origin,
                        contents.size(), length_bytes));
    }
    std::uint64_t header_bytes = 0;
    std::memcpy(&header_bytes, contents.data(), length_bytes);
    const std::uint64_t available = contents.size() - length_bytes;
    if (header_bytes > max_safetensors_header_bytes || header_bytes > available) {
        throw FileError(fmt::format(
            "{}: not a safetensors file, or truncated: its header says it has {} bytes, expected at most {}",
            origin, header_bytes, std::min(available, max_safetensors_header_bytes)));
    }
    const auto header_size = static_cast<std::size_t>(header_bytes);
    const std::string_view text(reinterpret_cast<const char*>(contents.data()) + length_bytes, header_size);
    SafetensorsHeader header = parse_safetensors_header(text, origin);
    const std::span<const std::byte> data = contents.subspan(length_bytes + header_size);
    check_entries(header.entries, data.size(), origin);

    SafetensorsOf<T> result;
    result.metadata = std::move(header.metadata);
    result.tensors.reserve(header.entries.size());
    for (TensorEntry& entry : header.entries) {
        ArrayOf<T> value = ArrayOf<T>::from_shape(entry.shape);
        const auto begin = static_cast<std::size_t>(entry.begin);
        copy_values(entry, data.subspan(begin, static_cast<std::size_t>(entry.end) - begin), value, origin);
        result.tensors.push_back({std::move(entry.name), std::move(value)});
    }
    return result;
}

template <class T>
SafetensorsOf<T> read_safetensors_as(const std::filesystem::path& path) {
    const Bytes contents = read_file(path);
    return parse_safetensors_as<T>(std::as_bytes(std::span(contents)), path.string());
}

template <class T>
SafetensorsPieces safetensors_pieces(std::span<const ArrayViewOf<T>> arrays,
                                     const std::map<std::string, std::string>& metadata) {
    std::string text = "{";
    if (!metadata.empty())
        text += fmt::format("{}:{},", json_string(metadata_key), header_metadata(metadata));
    std::set<std::string_view> names;
    std::uint64_t offset = 0;
    for (const ArrayViewOf<T>& tensor : arrays) {
        if (tensor.name == metadata_key || !names.insert(tensor.name).second) {
            throw Error(fmt::format("an array cannot be saved under the name {}: it is {}",
                                    quoted_for_message(tensor.name),
                                    tensor.name == metadata_key ? "reserved" : "given to two arrays"));
        }
        const std::uint64_t end = offset + tensor.value->size() * sizeof(T);
        text += fmt::format(R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}},)",
                            json_string(tensor.name), dtype_name<T>, fmt::join(tensor.value->shape(), ","),
                            offset, end);
        offset = end;
    }
    if (text.back() == ',') text.pop_back();
    text += '}';
    text.append((alignment - text.size() % alignment) % alignment, ' ');
    const std::uint64_t header_bytes = text.size();
    if (header_bytes > max_safetensors_header_bytes) {
        throw Error(fmt::format("the safetensors header would take {} bytes, more than the {} allowed",
                                header_bytes, max_safetensors_header_bytes));
    }

    SafetensorsPieces result;
    result.header.resize(length_bytes + text.size());
    std::memcpy(result.header.data(), &header_bytes, length_bytes);
    std::memcpy(result.header.data() + length_bytes, text.data(), text.size());
    result.pieces.push_back(std::as_bytes(std::span(result.header)));
    for (const ArrayViewOf<T>& tensor : arrays)
        result.pieces.push_back(std::as_bytes(std::span(tensor.value->data(), tensor.value->size())));
    return result;
}

template <class T>
Bytes encode_safetensors(std::span<const ArrayViewOf<T>> arrays,
                         const std::map<std::string, std::string>& metadata) {
    const SafetensorsPieces file = safetensors_pieces(arrays, metadata);
    std::size_t size = 0;
    for (const std::span<const std::byte> piece : file.pieces) size += piece.size();
    Bytes bytes(size);
    std::uint8_t* target = bytes.data();
    for (const std::span<const std::byte> piece : file.pieces) {
        if (!piece.empty()) std::memcpy(target, piece.data(), piece.size());
        target += piece.size();
    }
    return bytes;
}

template <class T>
Bytes encode_safetensors(const SafetensorsOf<T>& contents) {
    return encode_safetensors<T>(views_of(contents), contents.metadata);
}

template <class T>
void write_safetensors(const std::filesystem::path& path, const SafetensorsOf<T>& contents) {
    write_file_atomically(path, safetensors_pieces<T>(views_of(contents), contents.metadata).pieces);
}

template SafetensorsOf<float> read_safetensors_as(const std::filesystem::path&);
template SafetensorsOf<double> read_safetensors_as(const std::filesystem::path&);
template SafetensorsOf<float> parse_safetensors_as(std::span<const std::byte>, std::string_view);
template SafetensorsOf<double> parse_safetensors_as(std::span<const std::byte>, std::string_view);
template SafetensorsPieces safetensors_pieces(std::span<const ArrayViewOf<float>>,
                                              const std::map<std::string, std::string>&);
template Bytes encode_safetensors(std::span<const ArrayViewOf<float>>,
                                  const std::map<std::string, std::string>&);
template Bytes encode_safetensors(std::span<const ArrayViewOf<double>>,
                                  const std::map<std::string, std::string>&);
template Bytes encode_safetensors(const SafetensorsOf<float>&);
template Bytes encode_safetensors(const SafetensorsOf<double>&);
template void write_safetensors(const std::filesystem::path&, const SafetensorsOf<float>&);
template void write_safetensors(const std::filesystem::path&, const SafetensorsOf<double>&);

}  // namespace duet
