#include <doctest/doctest.h>
#include <zlib.h>

#include <duet/data/png_text.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

const Image image{3, 2, 1, {1, 2, 3, 4, 5, 6}};
const std::vector<PngText> texts = {{"Software", "duet 0.1.0"}, {"Step", "2000"}, {"Empty", ""}};

/// A PNG file with one more chunk behind its header.
Bytes with_chunk(const std::string& type, const std::string& data, std::uint32_t damage = 0) {
    Bytes chunk(type.begin(), type.end());
    chunk.insert(chunk.end(), data.begin(), data.end());
    const auto sum =
        static_cast<std::uint32_t>(crc32(0, chunk.data(), static_cast<uInt>(chunk.size()))) ^ damage;
    Bytes whole;
    for (int shift = 24; shift >= 0; shift -= 8)
        whole.push_back(static_cast<std::uint8_t>(data.size() >> shift));
    whole.insert(whole.end(), chunk.begin(), chunk.end());
    for (int shift = 24; shift >= 0; shift -= 8) whole.push_back(static_cast<std::uint8_t>(sum >> shift));
    Bytes file = encode_png(image);
    file.insert(file.begin() + 33, whole.begin(), whole.end());
    return file;
}

std::string error_of(const Bytes& bytes) {
    return file_error_of([&] { parse_png_texts(view(bytes), "x.png"); });
}

}  // namespace

TEST_CASE("texts come back from PNG, and the picture with them") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "x.png";
    write_png(path, image, texts);
    CHECK(read_png_texts(path) == texts);
    CHECK(read_png(path).pixels == image.pixels);
    CHECK(encode_png(image, texts) == encode_png(image, texts));
    CHECK(encode_png(image, {}) == encode_png(image));
    CHECK(png_text(texts, "Step") == "2000");
    CHECK(png_text(texts, "step").empty());
    CHECK(read_png_texts(path).size() == 3);
    CHECK(parse_png_texts(view(encode_png(image)), "x").empty());

    const std::vector<PngText> odd = {{"Comment", "line\nline\t\x01 \xc3\xa9"}};
    CHECK(parse_png_texts(view(encode_png(image, odd)), "x").front().text == "line\nline?? ??");
}

TEST_CASE("texts that no PNG file can hold") {
    const auto refused = [](const PngText& text) {
        const std::vector<PngText> one = {text};
        CHECK_THROWS_AS(encode_png(image, one), Error);
    };
    refused({"", "x"});
    refused({" Step", "x"});
    refused({"Step ", "x"});
    refused({std::string("St\0ep", 5), "x"});
    refused({std::string(80, 'k'), "x"});
    refused({"Step", std::string(most_png_letters + 1, 'x')});
    const std::vector<PngText> many(most_png_texts + 1, PngText{"Step", "1"});
    CHECK_THROWS_AS(encode_png(image, many), Error);
    const std::vector<PngText> most(most_png_texts,
                                    PngText{std::string(79, 'k'), std::string(most_png_letters, 'x')});
    CHECK(parse_png_texts(view(encode_png(image, most)), "x") == most);
}

TEST_CASE("texts of files that are not to be trusted") {
    CHECK(error_of(with_chunk("tEXt", std::string("Step\0001", 6))).empty());
    CHECK(contains(error_of({}), "x.png: not a PNG file"));
    CHECK(contains(error_of(with_chunk("tEXt", std::string("Step\0001", 6), 1)), "checksum is wrong"));
    CHECK(contains(error_of(with_chunk("tEXt", "")), "without a proper keyword"));
    CHECK(contains(error_of(with_chunk("tEXt", "Step")), "without a proper keyword"));
    CHECK(contains(error_of(with_chunk("tEXt", std::string("\0", 1))), "without a proper keyword"));
    CHECK(contains(error_of(with_chunk("tEXt", std::string(200, 'k'))), "without a proper keyword"));
    std::string long_text("Step\0", 5);
    long_text.append(70'000, 'x');
    CHECK(contains(error_of(with_chunk("tEXt", long_text)), "has 70000 letters, expected at most 65536"));
    CHECK(error_of(with_chunk("zTXt", std::string("Step\0\0whatever", 14))).empty());
    Bytes endless = encode_png(image);
    endless[33] = 0xff;  // the length of the chunk behind the header
    CHECK(contains(error_of(endless), "is it truncated?"));

    const auto read = [](auto bytes) { parse_png_texts(bytes, "x"); };
    const Bytes good = encode_png(image, texts);
    for (std::size_t size = 0; size < good.size() - 12; ++size)
        CHECK_FALSE(error_of(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))).empty());
    CHECK(refused_mutations(good, 4000, 5, read) > 1000);
}
