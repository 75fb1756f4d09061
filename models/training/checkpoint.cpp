#include <duet/models/training/checkpoint.hpp>

#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <zlib.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>

namespace duet::models {

namespace {

using Metadata = std::map<std::string, std::string>;

constexpr const char* format_key = "format";
constexpr const char* format_name = "duet checkpoint";
constexpr const char* checksum_key = "crc32";

/// A CRC-32 of texts and values; each text brings its length, so that no two contents run together alike.
class Checksum {
 public:
    void add(std::string_view text) {
        const std::uint64_t size = text.size();
        add_bytes(&size, sizeof size);
        add_bytes(text.data(), text.size());
    }
    void add_bytes(const void* bytes, std::size_t count) {
        value_ = crc32_z(value_, static_cast<const Bytef*>(bytes), count);
    }
    std::string digits() const { return fmt::format("{:08x}", value_); }

 private:
    uLong value_ = crc32_z(0, nullptr, 0);
};

std::string checksum_of(const Metadata& metadata, std::span<const ArrayView> arrays) {
    Checksum checksum;
    for (const auto& [key, value] : metadata)
        if (key != checksum_key) {
            checksum.add(key);
            checksum.add(value);
        }
    for (const ArrayView& array : arrays) {
        checksum.add(array.name);
        for (const std::size_t side : array.value->shape()) checksum.add(std::to_string(side));
        checksum.add_bytes(array.value->data(), array.value->size() * sizeof(float));
    }
    return checksum.digits();
}

const std::string& text_in(const Metadata& metadata, const char* key) {
    const auto found = metadata.find(key);
    if (found == metadata.end()) throw Error(fmt::format("its \"{}\" is missing", key));
    return found->second;
}

template <class Number>
Number number_in(const Metadata& metadata, const char* key) {
    const std::string& text = text_in(metadata, key);
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size())
        throw Error(fmt::format("its \"{}\" is {}", key, quoted_for_message(text)));
    return number;
}

std::vector<double> numbers_in(const Metadata& metadata, const char* key) {
    const std::string& text = text_in(metadata, key);
    std::vector<double> numbers;
    for (const char *at = text.data(), *const end = at + text.size(); at != end;) {
        double number = 0;
        const auto [next, error] = std::from_chars(at, end, number);
        if (error != std::errc() || (next != end && *next != ' '))
            throw Error(fmt::format("its \"{}\" are {}", key, quoted_for_message(text)));
        numbers.push_back(number);
        at = next == end ? end : next + 1;
    }
    return numbers;
}

CheckpointNotes notes_in(const Metadata& metadata) {
    CheckpointNotes notes{text_in(metadata, "recipe"),
                          text_in(metadata, "fingerprint"),
                          text_in(metadata, "version"),
                          number_in<double>(metadata, "seconds"),
                          numbers_in(metadata, "metrics"),
                          number_in<std::uint64_t>(metadata, "metrics_bytes"),
                          text_in(metadata, "pending_rows"),
                          text_in(metadata, "last_row"),
                          {}};
    if (!std::isfinite(notes.seconds) || notes.seconds < 0) throw Error("its \"seconds\" are no duration");
    if (metadata.contains("best")) notes.best = number_in<double>(metadata, "best");
    return notes;
}

}  // namespace

std::string checkpoint_checksum(const Safetensors& file) {
    std::vector<ArrayView> arrays;
    arrays.reserve(file.tensors.size());
    for (const NamedArray& tensor : file.tensors) arrays.push_back({tensor.name, &tensor.value});
    return checksum_of(file.metadata, arrays);
}

bool is_checkpoint(const Safetensors& file) {
    const auto found = file.metadata.find(format_key);
    return found != file.metadata.end() && found->second == format_name;
}

void write_checkpoint(const std::filesystem::path& path, const Snapshot& snapshot,
                      const CheckpointNotes& notes) {
    Metadata metadata = {{format_key, format_name},
                         {"schema", std::to_string(checkpoint_schema)},
                         {"recipe", notes.recipe},
                         {"fingerprint", notes.fingerprint},
                         {"version", notes.version},
                         {"seconds", fmt::format("{}", notes.seconds)},
                         {"metrics", fmt::format("{}", fmt::join(notes.metrics, " "))},
                         {"metrics_bytes", std::to_string(notes.metrics_bytes)},
                         {"pending_rows", notes.pending_rows},
                         {"last_row", notes.last_row}};
    if (notes.best) metadata["best"] = fmt::format("{}", *notes.best);
    write_position(snapshot.at(), metadata);
    const std::vector<ArrayView> arrays = snapshot.arrays();
    metadata[checksum_key] = checksum_of(metadata, arrays);
    write_file_atomically(path, safetensors_pieces<float>(arrays, metadata).pieces);
}

Checkpoint parse_checkpoint(std::span<const std::byte> contents, std::string_view origin) {
    Safetensors file = parse_safetensors_as<float>(contents, origin);
    if (!is_checkpoint(file)) throw FileError(fmt::format("{}: not a checkpoint of `duet train`", origin));
    const std::string found = checkpoint_checksum(file);
    try {
        if (const std::string& wanted = text_in(file.metadata, checksum_key); wanted != found)
            throw Error(
                fmt::format("its CRC-32 is {}, that of its contents {}", quoted_for_message(wanted), found));
    } catch (const Error& error) {
        throw FileError(fmt::format("{}: the checkpoint is damaged: {}", origin, error.what()));
    }
    const std::string schema = file.metadata.contains("schema") ? file.metadata.at("schema") : "";
    if (schema != std::to_string(checkpoint_schema))
        throw Error(fmt::format("{}: a checkpoint of schema {}; this Duet reads schema {}", origin,
                                name_for_message(schema), checkpoint_schema));
    try {
        CheckpointNotes notes = notes_in(file.metadata);
        position_in(file.metadata);
        return {std::move(file), std::move(notes)};
    } catch (const Error& error) {
        throw FileError(fmt::format("{}: the checkpoint makes no sense: {}", origin, error.what()));
    }
}

Checkpoint read_checkpoint(const std::filesystem::path& path) {
    const Bytes contents = read_file(path);
    return parse_checkpoint(std::as_bytes(std::span(contents)), path.string());
}

}  // namespace duet::models
