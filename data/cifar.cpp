#include <duet/data/cifar.hpp>

#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include <duet/data/data_folder.hpp>
#include <duet/data/gzip.hpp>
#include <duet/graph/error.hpp>

namespace duet {
namespace {

constexpr std::size_t side = 32;
constexpr std::size_t channels = 3;
constexpr std::size_t pixels = side * side;
constexpr std::size_t record_bytes = 1 + channels * pixels;
constexpr std::size_t class_count = 10;
constexpr std::uint64_t max_cifar_bytes = std::uint64_t{1} << 30;

Dataset without_images() {
    Dataset dataset;
    dataset.height = side;
    dataset.width = side;
    dataset.channels = channels;
    dataset.class_names = {"airplane", "automobile", "bird",  "cat",  "deer",
                           "dog",      "frog",       "horse", "ship", "truck"};
    return dataset;
}

/// The picture whose colours lie one after the other in `planes`, its pixels' colours together.
void interleave(std::span<const std::uint8_t> planes, std::uint8_t* picture) {
    for (std::size_t channel = 0; channel < channels; ++channel) {
        for (std::size_t pixel = 0; pixel < pixels; ++pixel)
            picture[pixel * channels + channel] = planes[channel * pixels + pixel];
    }
}

void append_records(std::span<const std::uint8_t> bytes, std::string_view origin, Dataset& dataset) {
    if (bytes.empty() || bytes.size() % record_bytes != 0) {
        throw FileError(fmt::format(
            "{}: it has {} bytes, expected records of {} bytes as in CIFAR-10's binary version, at least "
            "one: it is truncated or something else",
            origin, bytes.size(), record_bytes));
    }
    const std::size_t count = bytes.size() / record_bytes;
    dataset.images.resize((dataset.count + count) * dataset.image_size());
    for (std::size_t i = 0; i < count; ++i) {
        const auto record = bytes.subspan(i * record_bytes, record_bytes);
        if (record[0] >= class_count) {
            throw FileError(fmt::format("{}: record {} is of class {}, expected 0 to {}", origin, i,
                                        record[0], class_count - 1));
        }
        dataset.labels.push_back(record[0]);
        interleave(record.subspan(1), dataset.images.data() + (dataset.count + i) * dataset.image_size());
    }
    dataset.count += count;
}

void append_file(std::span<const std::byte> contents, std::string_view origin, Dataset& dataset) {
    if (is_gzip(contents)) return append_records(gunzip(contents, max_cifar_bytes, origin), origin, dataset);
    const auto* start = reinterpret_cast<const std::uint8_t*>(contents.data());
    append_records({start, contents.size()}, origin, dataset);
}

}  // namespace

Dataset load_cifar10_folder(const std::filesystem::path& folder, Split split) {
    check_data_folder(folder);
    std::vector<std::string> names = {"test_batch.bin"};
    if (split == Split::train) {
        names = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                 "data_batch_5.bin"};
    }
    Dataset dataset = without_images();
    for (const std::string& name : names) {
        const std::optional<std::filesystem::path> path = find_plain_or_gzip(folder, name);
        if (!path) {
            throw FileError(
                fmt::format("no {} in the data folder {}, nor {}.gz: extract all of cifar-10-binary.tar.gz",
                            name, folder.string(), name));
        }
        const Bytes contents = read_file(*path, max_cifar_bytes);
        append_file(std::as_bytes(std::span(contents)), path->string(), dataset);
    }
    return dataset;
}

Dataset parse_cifar10(std::span<const std::byte> contents, std::string_view origin) {
    Dataset dataset = without_images();
    append_file(contents, origin, dataset);
    return dataset;
}

}  // namespace duet
