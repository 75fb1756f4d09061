#include <duet/data/png_text.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <duet/data/png_chunks.hpp>
#include <duet/graph/error.hpp>

namespace duet {

namespace {

constexpr std::size_t header_end = 8 + 25;
constexpr std::size_t most_keyword_letters = 79;

bool printable(char letter) {
    return letter >= ' ' && letter <= '~';
}

bool is_keyword(std::string_view keyword) {
    return !keyword.empty() && keyword.size() <= most_keyword_letters && keyword.front() != ' ' &&
           keyword.back() != ' ' && std::all_of(keyword.begin(), keyword.end(), printable);
}

void put_big_endian(Bytes& bytes, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
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
    put_big_endian(bytes, png_checksum(std::span(bytes).subspan(start)));
}

PngText text_of(std::span<const std::uint8_t> data, std::string_view origin) {
    const auto end =
        std::find(data.begin(), data.begin() + std::min(data.size(), most_keyword_letters + 1), 0);
    PngText text{{data.begin(), end}, {}};
    if (end == data.end() || !is_keyword(text.keyword))
        throw FileError(fmt::format("{}: damaged PNG file: a text without a proper keyword", origin));
    const auto letters = static_cast<std::size_t>(data.end() - end) - 1;
    if (letters > most_png_letters)
        throw FileError(fmt::format("{}: the text {} has {} letters, expected at most {}", origin,
                                    quoted_for_message(text.keyword), letters, most_png_letters));
    text.text.assign(end + 1, data.end());
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
    PngChunks chunks(contents, origin);
    std::vector<PngText> texts;
    for (PngChunk chunk = chunks.next(); chunk.type != "IEND"; chunk = chunks.next()) {
        if (chunk.type != "tEXt") continue;
        if (texts.size() == most_png_texts)
            throw FileError(fmt::format("{}: the PNG file has more than {} texts", origin, most_png_texts));
        if (!chunk.intact())
            throw FileError(fmt::format("{}: damaged PNG file: a text's checksum is wrong", origin));
        texts.push_back(text_of(chunk.data, origin));
    }
    return texts;
}

std::string png_text(std::span<const PngText> texts, std::string_view keyword) {
    const auto found = std::find_if(texts.begin(), texts.end(),
                                    [&](const PngText& text) { return text.keyword == keyword; });
    return found == texts.end() ? std::string() : found->text;
}

}  // namespace duet
