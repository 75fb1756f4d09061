#include <duet/data/png_text.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <zlib.h>

#include <duet/graph/error.hpp>

namespace duet {

namespace {

constexpr std::array<std::uint8_t, 8> signature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr std::size_t header_end = 8 + 25;
/// Length before, type and checksum around a chunk's data.
constexpr std::size_t length_bytes = 4, type_bytes = 4, checksum_bytes = 4;
constexpr std::size_t most_keyword_letters = 79;

bool printable(char letter) {
    return letter >= ' ' && letter <= '~';
}

bool is_keyword(std::string_view keyword) {
    return !keyword.empty() && keyword.size() <= most_keyword_letters && keyword.front() != ' ' &&
           keyword.back() != ' ' && std::all_of(keyword.begin(), keyword.end(), printable);
}

std::uint32_t big_endian(const std::uint8_t* bytes) {
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 |
           bytes[3];
}

void put_big_endian(Bytes& bytes, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

std::uint32_t checksum(const std::uint8_t* bytes, std::size_t size) {
    return static_cast<std::uint32_t>(crc32(0, bytes, static_cast<uInt>(size)));
}

void put_chunk(Bytes& bytes, const PngText& text) {
    if (!is_keyword(text.keyword))
        throw Error(fmt::format("{} is no keyword of a PNG text: 1 to {} letters of printable ASCII are",
                                quoted_for_message(text.keyword), most_keyword_letters));
    if (text.text.size() > most_png_letters)
        throw Error(fmt::format("the PNG text {} has {} letters, expected at most {}", text.keyword,
                                text.text.size(), most_png_letters));
    put_big_endian(bytes, static_cast<std::uint32_t>(text.keyword.size() + 1 + text.text.size()));
    const std::size_t start = bytes.size();
    for (const char letter : {'t', 'E', 'X', 't'}) bytes.push_back(static_cast<std::uint8_t>(letter));
    bytes.insert(bytes.end(), text.keyword.begin(), text.keyword.end());
    bytes.push_back(0);
    for (const char letter : text.text)
        bytes.push_back(static_cast<std::uint8_t>(printable(letter) || letter == '\n' ? letter : '?'));
    put_big_endian(bytes, checksum(bytes.data() + start, bytes.size() - start));
}

PngText text_of(const std::uint8_t* data, std::size_t size, std::string_view origin) {
    const std::uint8_t* const end = std::find(data, data + std::min(size, most_keyword_letters + 1), 0);
    PngText text{{data, end}, {}};
    if (end == data + size || !is_keyword(text.keyword))
        throw FileError(fmt::format("{}: damaged PNG file: a text without a proper keyword", origin));
    const auto letters = static_cast<std::size_t>(data + size - end) - 1;
    if (letters > most_png_letters)
        throw FileError(fmt::format("{}: the text {} has {} letters, expected at most {}", origin,
                                    quoted_for_message(text.keyword), letters, most_png_letters));
    text.text.assign(end + 1, data + size);
    for (char& letter : text.text)
        if (!printable(letter) && letter != '\n') letter = '?';
    return text;
}

}  // namespace

Bytes encode_png(const Image& image, std::span<const PngText> texts) {
    if (texts.size() > most_png_texts)
        throw Error(fmt::format("{} texts were given for a PNG file, expected at most {}", texts.size(),
                                most_png_texts));
    Bytes chunks;
    for (const PngText& text : texts) put_chunk(chunks, text);
    Bytes contents = encode_png(image);
    contents.insert(contents.begin() + header_end, chunks.begin(), chunks.end());
    return contents;
}

void write_png(const std::filesystem::path& path, const Image& image, std::span<const PngText> texts) {
    const Bytes contents = encode_png(image, texts);
    write_file_atomically(path, std::as_bytes(std::span(contents)));
}

std::vector<PngText> read_png_texts(const std::filesystem::path& path) {
    const Bytes contents = read_file(path, max_image_pixels * 4);
    return parse_png_texts(std::as_bytes(std::span(contents)), path.string());
}

std::vector<PngText> parse_png_texts(std::span<const std::byte> contents, std::string_view origin) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(contents.data());
    if (contents.size() < signature.size() || !std::equal(signature.begin(), signature.end(), bytes))
        throw FileError(fmt::format("{}: not a PNG file", origin));
    std::vector<PngText> texts;
    std::size_t at = signature.size();
    for (;;) {
        const std::size_t left = contents.size() - at;
        const bool room = left >= length_bytes + type_bytes + checksum_bytes;
        const std::size_t size = room ? big_endian(bytes + at) : 0;
        if (!room || size > left - length_bytes - type_bytes - checksum_bytes)
            throw FileError(fmt::format("{}: the PNG file ends within a chunk; is it truncated?", origin));
        const std::uint8_t* const type = bytes + at + length_bytes;
        const std::string_view name(reinterpret_cast<const char*>(type), type_bytes);
        if (name == "IEND") return texts;
        if (name == "tEXt") {
            if (texts.size() == most_png_texts)
                throw FileError(
                    fmt::format("{}: the PNG file has more than {} texts", origin, most_png_texts));
            if (checksum(type, type_bytes + size) != big_endian(type + type_bytes + size))
                throw FileError(fmt::format("{}: damaged PNG file: a text's checksum is wrong", origin));
            texts.push_back(text_of(type + type_bytes, size, origin));
        }
        at += length_bytes + type_bytes + size + checksum_bytes;
    }
}

std::string png_text(std::span<const PngText> texts, std::string_view keyword) {
    const auto found = std::find_if(texts.begin(), texts.end(),
                                    [&](const PngText& text) { return text.keyword == keyword; });
    return found == texts.end() ? std::string() : found->text;
}

}  // namespace duet
