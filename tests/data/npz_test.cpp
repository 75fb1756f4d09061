#include <cstring>
#include <functional>

#include <doctest/doctest.h>
#include <zlib.h>
#include <xtensor/xarray.hpp>

#include <duet/data/npy.hpp>
#include <duet/data/npz.hpp>
#include <duet/data/zip.hpp>
#include <duet/graph/variable.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

Safetensors small_weights() {
    return {
        {{"generator.0.weight", Array{{1.0F, 2.0F}, {3.0F, 4.0F}}}, {"generator.0.bias", Array{0.5F, -0.5F}}},
        {{"recipe", "steps = 3\n"}}};
}

/// Raw deflate data of `bytes`.
Bytes deflated(const Bytes& bytes) {
    // What stands between gzip's header of ten bytes and its eight at the end.
    const Bytes whole = gzip(bytes);
    return {whole.begin() + 10, whole.end() - 8};
}

std::uint32_t crc_of(const Bytes& bytes) {
    return static_cast<std::uint32_t>(crc32(0, bytes.data(), static_cast<uInt>(bytes.size())));
}

void put(Bytes& bytes, std::size_t at, std::uint64_t number, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<std::uint8_t>(number >> (8 * i));
}

/// Where the archive's first directory entry begins.
std::size_t directory_of(const Bytes& archive) {
    std::uint32_t begin = 0;
    std::memcpy(&begin, archive.data() + archive.size() - 6, 4);
    return begin;
}

/// An archive of one deflated member that claims to have `size` bytes.
Bytes deflated_archive(const std::string& name, const Bytes& contents, std::uint64_t size) {
    const ZipSource source{name, deflated(contents)};
    Bytes archive = encode_zip(std::span(&source, 1));
    const std::size_t entry = directory_of(archive);
    put(archive, entry + 10, 8, 2);
    put(archive, entry + 16, crc_of(contents), 4);
    put(archive, entry + 24, size, 4);
    return archive;
}

std::string npz_error(const Bytes& bytes, std::uint64_t most = default_max_file_bytes) {
    return file_error_of([&] { parse_npz(view(bytes), "x.npz", most); });
}

}  // namespace

TEST_CASE("the bytes of a zip archive") {
    const ZipSource source{"a", {'h', 'i'}};
    const Bytes archive = encode_zip(std::span(&source, 1));
    REQUIRE(archive.size() == 30 + 1 + 2 + 46 + 1 + 22);
    // 0xd8932aac is the CRC-32 of "hi".
    const Bytes local{'P',  'K', 3, 4, 20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0,   0xac, 0x2a, 0x93,
                      0xd8, 2,   0, 0, 0,  2, 0, 0, 0, 1, 0, 0, 0,    'a', 'h',  'i'};
    CHECK(std::equal(local.begin(), local.end(), archive.begin()));
    const Bytes end{'P', 'K', 5, 6, 0, 0, 0, 0, 1, 0, 1, 0, 47, 0, 0, 0, 33, 0, 0, 0, 0, 0};
    CHECK(std::equal(end.rbegin(), end.rend(), archive.rbegin()));
}

TEST_CASE("arrays and metadata come back from .npz") {
    const TemporaryFolder folder;
    const Safetensors weights = small_weights();
    write_npz(folder.path() / "w.npz", weights);
    const Safetensors read = read_npz(folder.path() / "w.npz");
    REQUIRE(read.tensors.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(read.tensors[i].name == weights.tensors[i].name);
        CHECK(read.tensors[i].value == weights.tensors[i].value);
    }
    CHECK(read.metadata == weights.metadata);
    CHECK(encode_npz(read) == encode_npz(weights));
    CHECK(parse_npz(view(encode_npz({})), "x").tensors.empty());
    Safetensors twice = weights;
    twice.tensors.push_back(twice.tensors[0]);
    CHECK_THROWS_AS(encode_npz(twice), Error);
    twice.tensors.back().name = "__metadata__/recipe";
    CHECK_THROWS_AS(encode_npz(twice), Error);
}

TEST_CASE("deflated members are read, and lies about their size are refused") {
    const Bytes array = encode_npy(filled(Shape{1000}, 1.5F));
    const Safetensors read = parse_npz(view(deflated_archive("x.npy", array, array.size())), "x.npz");
    CHECK(read.tensors.at(0).value(999) == 1.5F);
    for (const std::size_t size : {array.size() - 1, array.size() + 1, std::size_t{0}, std::size_t{1} << 14})
        CHECK(contains(npz_error(deflated_archive("x.npy", array, size)), "does not unpack"));
    // More than deflate can pack: refused before anything is unpacked.
    CHECK(contains(npz_error(deflated_archive("x.npy", array, 1 << 30)), "cannot have the 1073741824 bytes"));
    CHECK(parse_npz(view(deflated_archive("x.npy", array, array.size())), "x", array.size()).tensors.size() ==
          1);
    CHECK(
        contains(npz_error(deflated_archive("x.npy", array, array.size()), array.size() - 1), "unpacks to"));
    Bytes zeros(std::size_t{8} << 20, 0);
    CHECK(contains(npz_error(deflated_archive("x.npy", zeros, zeros.size()), std::size_t{1} << 20),
                   "more than the 1048576 expected"));
    CHECK(contains(npz_error(deflated_archive("x.npy", zeros, zeros.size())), "\"x.npy\": not a .npy file"));
}

TEST_CASE("damaged and hostile .npz files are refused") {
    const Bytes good = encode_npz(small_weights());
    const std::size_t entry = directory_of(good), end = good.size() - 22;
    const auto changed = [&](std::size_t at, std::uint64_t number, std::size_t size) {
        Bytes bytes = good;
        put(bytes, at, number, size);
        return npz_error(bytes);
    };
    CHECK(npz_error(good).empty());
    CHECK(contains(npz_error({}), "0 bytes are too few"));
    CHECK(contains(npz_error(Bytes(100, 7)), "no end record"));
    CHECK(contains(changed(entry + 8, 1, 2), "encrypted"));
    CHECK(contains(changed(entry + 10, 12, 2), "method 12"));
    CHECK(contains(changed(entry + 16, 1, 4), "its CRC-32 is another"));
    CHECK(contains(changed(entry + 24, 5, 4), "cannot have the 5 bytes"));
    CHECK(contains(changed(entry + 20, 0xffffffff, 4), "ZIP64"));
    CHECK(contains(changed(entry + 28, 60000, 2), "cut short"));
    CHECK(contains(changed(entry + 42, 1, 4), "no header of"));
    CHECK(contains(changed(entry + 42, 0xfffffff0, 4), "ends after the archive's"));
    CHECK(contains(changed(end + 4, 1, 2), "volumes"));
    CHECK(contains(changed(end + 12, 1, 4), "does not end at"));
    CHECK(contains(changed(end + 16, 0xffffffff, 4), "ZIP64"));
    Bytes more = good;
    put(more, end + 8, 4, 2);
    put(more, end + 10, 4, 2);
    CHECK(contains(npz_error(more), "fewer entries"));
    put(more, end + 8, 2, 2);
    put(more, end + 10, 2, 2);
    CHECK(contains(npz_error(more), "more entries"));
    // The name in the local header: "generator" with another first letter.
    CHECK(contains(changed(30, 'x', 1), "has another name"));

    const std::vector<ZipSource> other{{"notes.txt", {'a'}}};
    CHECK(contains(npz_error(encode_zip(other)), "neither an array"));
    const std::vector<ZipSource> broken{{"a.npy", {'a'}}};
    CHECK(contains(npz_error(encode_zip(broken)), "x.npz: \"a.npy\": not a .npy file"));
}

TEST_CASE("members of a zip archive that overlap or share a name are refused") {
    std::vector<ZipSource> sources{{"a", Bytes(100, 1)}, {"b", Bytes(100, 2)}};
    Bytes archive = encode_zip(sources);
    const std::size_t entry = directory_of(archive);
    // The first member reaches over the second one's header.
    put(archive, entry + 20, 150, 4);
    put(archive, entry + 24, 150, 4);
    CHECK(contains(file_error_of([&] { zip_members(view(archive), "x"); }), "overlap"));
    archive = encode_zip(sources);
    archive[entry + 47 + 46] = 'a';
    archive[30 + 1 + 100 + 30] = 'a';
    CHECK(contains(file_error_of([&] { zip_members(view(archive), "x"); }), "two members \"a\""));
    sources[1].name = "a";
    CHECK_THROWS_AS(encode_zip(sources), Error);
    sources[1].name = "";
    CHECK_THROWS_AS(encode_zip(sources), Error);
}

TEST_CASE("no part of an .npz file is an .npz file, and damage is noticed") {
    const auto read = [](auto bytes) { parse_npz(bytes, "x", 1 << 24); };
    const Bytes good = encode_npz(small_weights());
    CHECK(refuses_every_prefix(good, read));
    CHECK(refused_mutations(good, 4000, 5, read) > 2000);
    const Bytes packed = deflated_archive("x.npy", encode_npy(filled(Shape{100}, 1.5F)), 528);
    CHECK(npz_error(packed).empty());
    CHECK(refuses_every_prefix(packed, read));
    CHECK(refused_mutations(packed, 4000, 6, read) > 2000);
}
