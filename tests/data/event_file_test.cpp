#include <sys/resource.h>

#include <csignal>
#include <cstring>
#include <fstream>

#include <doctest/doctest.h>

#include <duet/data/crc32c.hpp>
#include <duet/data/event_file.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace fs = std::filesystem;

namespace {

/// The messages of a file, frames checked.
std::vector<Bytes> messages_of(const fs::path& path) {
    const Bytes file = read_file(path);
    std::vector<Bytes> messages;
    for (std::size_t at = 0; at < file.size();) {
        std::uint64_t length = 0;
        std::uint32_t length_sum = 0, sum = 0;
        REQUIRE(file.size() - at >= 16);
        std::memcpy(&length, file.data() + at, 8);
        std::memcpy(&length_sum, file.data() + at + 8, 4);
        CHECK(length_sum == masked_crc32c(view(file).subspan(at, 8)));
        REQUIRE(file.size() - at - 16 >= length);
        const auto message = view(file).subspan(at + 12, length);
        std::memcpy(&sum, file.data() + at + 12 + length, 4);
        CHECK(sum == masked_crc32c(message));
        const auto* first = reinterpret_cast<const std::uint8_t*>(message.data());
        messages.emplace_back(first, first + length);
        at += 16 + length;
    }
    return messages;
}

bool ends_with(const Bytes& bytes, const Bytes& end) {
    return bytes.size() >= end.size() && std::equal(end.rbegin(), end.rend(), bytes.rbegin());
}

}  // namespace

TEST_CASE("CRC-32C of RFC 3720's vectors") {
    Bytes bytes(32, 0);
    CHECK(crc32c(view(bytes)) == 0x8a9136aaU);
    std::fill(bytes.begin(), bytes.end(), std::uint8_t{0xff});
    CHECK(crc32c(view(bytes)) == 0x62a8ab43U);
    for (std::uint8_t i = 0; i < 32; ++i) bytes[i] = i;
    CHECK(crc32c(view(bytes)) == 0x46dd794eU);
    std::reverse(bytes.begin(), bytes.end());
    CHECK(crc32c(view(bytes)) == 0x113fdb5cU);
    CHECK(crc32c(view(std::string_view("123456789"))) == 0xe3069283U);
    CHECK(crc32c({}) == 0);
    CHECK(masked_crc32c({}) == 0xa282ead8U);
}

TEST_CASE("an event file holds framed events in the order they were added") {
    const TemporaryFolder folder;
    const std::vector<std::string> names{"loss"};
    const std::vector<double> values{0.5};
    EventFile file(folder.path() / "deep" / "events", 7);
    file.add_scalars(300, names, values);
    CHECK(fs::file_size(file.path()) == 0);
    file.flush();
    file.add_image(301, "samples", {.width = 1, .height = 2, .channels = 1, .pixels = {0, 255}});
    file.flush();
    CHECK(file.path().filename().string().starts_with("events.out.tfevents."));
    const std::vector<Bytes> messages = messages_of(file.path());
    REQUIRE(messages.size() == 4);
    // Wall time: field 1, eight bytes.
    for (const Bytes& message : messages) CHECK(message[0] == 0x09);
    CHECK(
        ends_with(messages[0], {0x1a, 13, 'b', 'r', 'a', 'i', 'n', '.', 'E', 'v', 'e', 'n', 't', ':', '2'}));
    CHECK(ends_with(messages[1], {0x10, 7, 0x3a, 2, 0x08, 1}));
    CHECK(ends_with(messages[2], {0x10, 0xac, 0x02, 0x2a, 13, 0x0a, 11, 0x0a, 4, 'l', 'o', 's', 's', 0x15, 0,
                                  0, 0, 0x3f}));
    const Bytes png = encode_png({.width = 1, .height = 2, .channels = 1, .pixels = {0, 255}});
    CHECK(ends_with(messages[3], png));
}

TEST_CASE("each event file of a folder sorts behind the earlier ones") {
    const TemporaryFolder folder;
    std::string last = "events.out.tfevents.8000000000.host.1.0";
    std::ofstream(folder.path() / last).flush();
    std::ofstream(folder.path() / "events.out.tfevents.99999999999999999999.host.1.0").flush();
    for (int i = 0; i < 3; ++i) {
        const EventFile file(folder.path());
        const std::string name = file.path().filename();
        CHECK(name > last);
        CHECK(name < "events.out.tfevents.9");
        last = name;
    }
}

TEST_CASE("an event file that could not be written loses nothing") {
    const TemporaryFolder folder;
    const std::vector<std::string> names{"loss"};
    const std::vector<double> values{1.0};
    EventFile file(folder.path());
    file.flush();
    const auto whole = fs::file_size(file.path());
    // A limit within the next event makes the write fail in its middle.
    struct rlimit limit {};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
    struct rlimit small = limit;
    small.rlim_cur = whole + 10;
    void (*const before)(int) = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    file.add_scalars(1, names, values);
    const std::string error = file_error_of([&] { file.flush(); });
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    std::signal(SIGXFSZ, before);
    CHECK(contains(error, "cannot write"));
    CHECK(contains(error, file.path().string()));
    CHECK(fs::file_size(file.path()) == whole);
    file.add_scalars(2, names, values);
    file.flush();
    CHECK(messages_of(file.path()).size() == 4);
}

TEST_CASE("an event file where none can be made") {
    const TemporaryFolder folder;
    std::ofstream(folder.path() / "taken").flush();
    CHECK(contains(file_error_of([&] { EventFile file(folder.path() / "taken"); }), "taken"));
}
