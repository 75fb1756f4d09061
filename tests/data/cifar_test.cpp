#include <doctest/doctest.h>

#include <duet/data/cifar.hpp>

#include "support.hpp"

namespace fs = std::filesystem;
using namespace duet;
using namespace duet::testing;

namespace {

constexpr std::size_t record_bytes = 3073;

/// A value that tells image, colour and pixel apart.
std::uint8_t value(std::size_t image, std::size_t channel, std::size_t pixel) {
    return static_cast<std::uint8_t>(image * 31 + channel * 83 + pixel * 7 + pixel / 32);
}

/// Records of classes first_label, first_label + 1, ... modulo 10.
Bytes records(std::size_t count, std::size_t first_label = 0) {
    Bytes bytes;
    for (std::size_t image = 0; image < count; ++image) {
        bytes.push_back(static_cast<std::uint8_t>((first_label + image) % 10));
        for (std::size_t channel = 0; channel < 3; ++channel) {
            for (std::size_t pixel = 0; pixel < 1024; ++pixel) bytes.push_back(value(image, channel, pixel));
        }
    }
    return bytes;
}

std::string error_of(const Bytes& bytes) {
    return file_error_of([&] { parse_cifar10(view(bytes), "batch"); });
}

}  // namespace

TEST_CASE("CIFAR-10 records become pictures with their colours together") {
    for (const Bytes& bytes : {records(3, 8), gzip(records(3, 8))}) {
        const Dataset dataset = parse_cifar10(view(bytes), "batch");
        CHECK(dataset.count == 3);
        CHECK(dataset.height == 32);
        CHECK(dataset.width == 32);
        CHECK(dataset.channels == 3);
        CHECK(dataset.labels == Bytes{8, 9, 0});
        CHECK(dataset.classes() == 10);
        CHECK(dataset.class_names.at(9) == "truck");
        REQUIRE(dataset.images.size() == 3 * 3072);
        for (std::size_t i = 0; i < dataset.images.size(); ++i)
            REQUIRE(dataset.images[i] == value(i / 3072, i % 3, i % 3072 / 3));
    }
}

TEST_CASE("a folder of CIFAR-10's five batches and its test batch") {
    const TemporaryFolder folder;
    const auto load = [&](Split split) { return load_cifar10_folder(folder.path(), split); };
    for (std::size_t i = 1; i <= 5; ++i) {
        const std::string name = "data_batch_" + std::to_string(i) + ".bin";
        CHECK(contains(file_error_of([&] { load(Split::train); }), "no " + name));
        write_file_atomically(folder.path() / (i == 2 ? name + ".gz" : name),
                              view(i == 2 ? gzip(records(i, i)) : records(i, i)));
    }
    const Dataset train = load(Split::train);
    CHECK(train.count == 15);
    CHECK(train.labels == Bytes{1, 2, 3, 3, 4, 5, 4, 5, 6, 7, 5, 6, 7, 8, 9});
    CHECK(train.images.size() == 15 * 3072);
    CHECK(train.images[3072] == value(0, 0, 0));
    CHECK(train.images[2 * 3072 + 1] == value(1, 1, 0));
    CHECK(contains(file_error_of([&] { load(Split::test); }), "no test_batch.bin"));
    write_file_atomically(folder.path() / "test_batch.bin", view(records(2)));
    CHECK(load(Split::test).count == 2);
    CHECK(contains(file_error_of([&] { load_cifar10_folder(folder.path() / "none", Split::train); }),
                   "cannot read the data folder"));
}

TEST_CASE("files that are not CIFAR-10's are refused") {
    CHECK(contains(error_of({}), "batch: it has 0 bytes, expected records of 3073 bytes"));
    CHECK(contains(error_of(Bytes(3074)), "it has 3074 bytes"));
    CHECK(contains(error_of(gzip(Bytes(3072))), "it has 3072 bytes"));
    Bytes wrong_class = records(4);
    wrong_class[2 * record_bytes] = 10;
    CHECK(error_of(wrong_class) == "batch: record 2 is of class 10, expected 0 to 9");
    const auto read = [](auto bytes) { parse_cifar10(bytes, "x"); };
    CHECK(refuses_every_prefix(records(1), read));
    CHECK(refuses_every_prefix(gzip(records(1)), read));
    CHECK(refused_mutations(records(1), 2000, 4, read) > 1000);
    CHECK(refused_mutations(gzip(records(1)), 2000, 5, read) > 1500);
}
