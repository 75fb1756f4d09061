#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>

#include <duet/data/batches.hpp>
#include <duet/data/permutation.hpp>
#include <xtensor/xarray.hpp>

#include "../allocations.hpp"
#include "support.hpp"

using namespace duet;

namespace {

/// Image i is all i, its label i modulo 7.
std::shared_ptr<Dataset> numbered(std::size_t count, std::size_t height = 2, std::size_t width = 3) {
    auto dataset = std::make_shared<Dataset>();
    dataset->count = count;
    dataset->height = height;
    dataset->width = width;
    for (std::size_t i = 0; i < count; ++i) {
        dataset->images.insert(dataset->images.end(), height * width, static_cast<std::uint8_t>(i));
        dataset->labels.push_back(static_cast<std::uint8_t>(i % 7));
    }
    return dataset;
}

/// Pictures whose bytes all differ from their neighbours'.
std::shared_ptr<Dataset> coloured(std::size_t count, std::size_t channels, std::size_t height,
                                  std::size_t width) {
    auto dataset = numbered(count, height, width);
    dataset->channels = channels;
    dataset->images.resize(count * height * width * channels);
    for (std::size_t i = 0; i < dataset->images.size(); ++i)
        dataset->images[i] = static_cast<std::uint8_t>(i * 37 + i / 256);
    return dataset;
}

Array filled(const Batches& batches, std::uint64_t k) {
    Array images = Array::from_shape({batches.batch_size(), batches.dataset().image_size()});
    batches.fill(k, images);
    return images;
}

}  // namespace

TEST_CASE("a permutation is a bijection for every n from 1 to 300") {
    for (std::uint64_t n = 1; n <= 300; ++n) {
        for (const std::uint64_t epoch : {0ULL, 1ULL, 2ULL, 0xffffffffffffffffULL}) {
            const Permutation permutation(n, 7, epoch);
            std::vector<bool> seen(n);
            for (std::uint64_t i = 0; i < n; ++i) {
                const std::uint64_t value = permutation(i);
                REQUIRE(value < n);
                REQUIRE_FALSE(seen[value]);
                seen[value] = true;
            }
        }
    }
}

TEST_CASE("a permutation of up to 2^32 elements") {
    const std::uint64_t n = std::uint64_t{1} << 32;
    const Permutation permutation(n, 1, 0);
    std::set<std::uint64_t> values;
    for (std::uint64_t i = 0; i < 1000; ++i) values.insert(permutation(n - 1 - i));
    CHECK(values.size() == 1000);
    CHECK(*values.rbegin() < n);
    CHECK_THROWS_AS(Permutation(0, 1, 0), Error);
    CHECK_THROWS_AS(Permutation(n + 1, 1, 0), Error);
}

TEST_CASE("a permutation is spread evenly over epochs, seeds and positions") {
    constexpr std::uint64_t n = 10;
    constexpr std::uint64_t draws = 20000;
    std::array<std::array<double, n>, n> singles{};
    std::array<std::array<double, n>, n> pairs{};
    for (std::uint64_t epoch = 0; epoch < draws; ++epoch) {
        const Permutation permutation(n, epoch % 5, epoch / 5);
        for (std::uint64_t i = 0; i < n; ++i) ++singles[i][permutation(i)];
        ++pairs[permutation(0)][permutation(1)];
    }
    const auto chi_squared = [](const auto& counts, double expected, auto counted) {
        double sum = 0;
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t j = 0; j < n; ++j) {
                if (counted(i, j)) sum += (counts[i][j] - expected) * (counts[i][j] - expected) / expected;
            }
        }
        return sum;
    };
    // 81 and 89 degrees of freedom: the bounds are some four standard deviations above the mean.
    CHECK(chi_squared(singles, draws / 10.0, [](auto, auto) { return true; }) < 81 + 4 * 13);
    CHECK(chi_squared(pairs, draws / 90.0, [](auto i, auto j) { return i != j; }) < 89 + 4 * 14);
}

TEST_CASE("neighbouring images of a data set do not stay together") {
    const std::uint64_t n = 9000;
    const Permutation permutation(n, 0, 0);
    std::size_t adjacent = 0;
    std::size_t fixed = 0;
    for (std::uint64_t i = 0; i + 1 < n; ++i) {
        adjacent += permutation(i) + 1 == permutation(i + 1) ? 1 : 0;
        fixed += permutation(i) == i ? 1 : 0;
    }
    // Each is about Poisson of mean 1.
    CHECK(adjacent <= 8);
    CHECK(fixed <= 8);
}

TEST_CASE("batches follow the chain of epochs") {
    for (const auto& [count, size] : {std::pair{10, 4}, {10, 10}, {10, 25}, {1, 3}, {7, 1}}) {
        const auto n = static_cast<std::size_t>(count);
        const auto batch_size = static_cast<std::size_t>(size);
        const Batches batches(numbered(n), batch_size, 3, ValueRange::unit);
        std::vector<int> chain;
        while (chain.size() < 6 * n) {
            const Array images = filled(batches, chain.size() / batch_size);
            for (std::size_t row = 0; row < batch_size; ++row) {
                const float value = images(row, 0);
                for (std::size_t column = 0; column < 6; ++column) REQUIRE(images(row, column) == value);
                chain.push_back(static_cast<int>(value * 255 + 0.5F));
            }
        }
        std::set<std::vector<int>> epochs;
        for (std::size_t epoch = 0; epoch < 6; ++epoch) {
            const auto start = chain.begin() + static_cast<std::ptrdiff_t>(epoch * n);
            std::vector<int> order(start, start + static_cast<std::ptrdiff_t>(n));
            epochs.insert(order);
            std::sort(order.begin(), order.end());
            for (std::size_t i = 0; i < n; ++i) REQUIRE(order[i] == static_cast<int>(i));
        }
        if (n == 10) CHECK(epochs.size() == 6);
    }
}

TEST_CASE("batch k depends on the data set, seed and k alone") {
    const Batches first(numbered(50), 16, 3, ValueRange::unit);
    const Batches resumed(numbered(50), 16, 3, ValueRange::unit);
    const Batches other(numbered(50), 16, 4, ValueRange::unit);
    for (std::uint64_t k = 0; k < 20; ++k) filled(first, k);
    for (const std::uint64_t k : {17ULL, 3ULL, 1'000'000'000'000ULL}) {
        CHECK(filled(first, k) == filled(resumed, k));
        CHECK(filled(first, k) != filled(other, k));
    }
    CHECK(filled(first, 0) != filled(first, 1));
}

TEST_CASE("bytes become values in the range asked for") {
    const Batches unit(numbered(256), 256, 0, ValueRange::unit);
    const Batches symmetric(numbered(256), 256, 0, ValueRange::symmetric);
    const Array units = filled(unit, 0);
    const Array symmetrics = filled(symmetric, 0);
    for (std::size_t i = 0; i < 256; ++i) {
        const std::size_t byte = unit.image_at(i);
        CHECK(units(i, 0) == static_cast<float>(static_cast<double>(byte) / 255.0));
        CHECK(symmetrics(i, 0) == static_cast<float>((2.0 * static_cast<double>(byte) - 255.0) / 255.0));
    }
    CHECK(*std::min_element(symmetrics.begin(), symmetrics.end()) == -1.0F);
    CHECK(*std::max_element(symmetrics.begin(), symmetrics.end()) == 1.0F);
}

TEST_CASE("labels go with their images") {
    const Batches batches(numbered(30), 8, 0, ValueRange::unit);
    Array images = Array::from_shape({8, 2, 3});
    Array labels = Array::from_shape({8});
    for (std::uint64_t k = 0; k < 10; ++k) {
        batches.fill(k, images, labels);
        for (std::size_t i = 0; i < 8; ++i) {
            CHECK(labels(i) == static_cast<float>(static_cast<int>(images(i, 0, 0) * 255 + 0.5F) % 7));
        }
    }
}

TEST_CASE("colours are written channel by channel") {
    for (const std::size_t channels : {2, 3}) {
        const auto dataset = coloured(40, channels, 5, 7);
        for (const ValueRange range : {ValueRange::unit, ValueRange::symmetric}) {
            const Batches batches(dataset, 32, 0, range);
            Array images = Array::from_shape({32, channels, 5, 7});
            batches.fill(3, images);
            for (std::size_t n = 0; n < 32; ++n) {
                const std::size_t image = batches.image_at(3 * 32 + n);
                for (std::size_t c = 0; c < channels; ++c) {
                    for (std::size_t pixel = 0; pixel < 35; ++pixel) {
                        const double byte = dataset->images[(image * 35 + pixel) * channels + c];
                        const double value =
                            range == ValueRange::unit ? byte / 255.0 : (2.0 * byte - 255.0) / 255.0;
                        REQUIRE(images(n, c, pixel / 7, pixel % 7) == static_cast<float>(value));
                    }
                }
            }
        }
    }
}

TEST_CASE("parts make up the batch and its labels") {
    const Batches batches(coloured(50, 3, 4, 4), 16, 5, ValueRange::symmetric);
    Array images = Array::from_shape({16, 3, 4, 4}), labels = Array::from_shape({16});
    Array some_images = images, some_labels = labels;
    batches.fill(9, images, labels);
    for (const std::size_t parts : {1, 3, 16, 40}) {
        some_images.fill(-9.0F);
        some_labels.fill(-9.0F);
        for (std::size_t part = 0; part < parts; ++part)
            batches.fill_part(9, part, parts, some_images, some_labels);
        CHECK(some_images == images);
        CHECK(some_labels == labels);
    }
}

TEST_CASE("filling a batch allocates nothing") {
    const Batches batches(coloured(30, 3, 2, 3), 8, 0, ValueRange::unit);
    Array images = Array::from_shape({8, 3, 2, 3});
    Array labels = Array::from_shape({8});
    const std::size_t before = testing::allocations();
    for (std::uint64_t k = 0; k < 10; ++k) {
        batches.fill(k, images, labels);
        batches.fill_part(k, 1, 2, images, labels);
    }
    CHECK(testing::allocations() == before);
    const auto block = std::make_unique<int>(1);
    CHECK(testing::allocations() > before);
}

TEST_CASE("steps for epochs round up") {
    const auto steps = [](std::size_t n, std::size_t batch_size, std::uint64_t epochs) {
        return Batches(numbered(n), batch_size, 0, ValueRange::unit).steps_for_epochs(epochs);
    };
    CHECK(steps(10, 4, 1) == 3);
    CHECK(steps(10, 4, 2) == 5);
    CHECK(steps(10, 100, 1) == 1);
    CHECK(steps(10, 5, 3) == 6);
    CHECK(steps(10, 5, 0) == 0);
    CHECK_THROWS_AS(steps(10, 5, 0xffffffffffffffffULL), Error);
}

TEST_CASE("batches that cannot be are refused") {
    const auto make = [](std::shared_ptr<Dataset> dataset, std::size_t batch_size) {
        return Batches(std::move(dataset), batch_size, 0, ValueRange::unit);
    };
    CHECK_THROWS_AS(make(numbered(5), 0), Error);
    CHECK_THROWS_AS(make(numbered(5), Batches::max_batch_size + 1), Error);
    CHECK_THROWS_AS(make(nullptr, 1), Error);
    CHECK_THROWS_AS(make(numbered(0), 1), Error);
    auto short_of_images = numbered(5);
    short_of_images->images.pop_back();
    CHECK_THROWS_AS(make(short_of_images, 1), Error);
    auto short_of_labels = numbered(5);
    short_of_labels->labels.pop_back();
    CHECK_THROWS_AS(make(short_of_labels, 1), Error);

    auto unlabelled = numbered(5);
    unlabelled->labels.clear();
    const Batches batches = make(unlabelled, 4);
    Array images = Array::from_shape({4, 6});
    Array labels = Array::from_shape({4});
    CHECK_THROWS_AS(batches.fill(0, images, labels), Error);
    Array wrong = Array::from_shape({4, 5});
    CHECK_THROWS_WITH_AS(batches.fill(0, wrong),
                         "the array for a batch of images has shape (4, 5), expected (4, 6)", ShapeError);
    CHECK_THROWS_WITH_AS(
        Batches(coloured(5, 3, 2, 3), 4, 0, ValueRange::unit).fill(0, wrong),
        "the array for a batch of images has shape (4, 5), expected (4, 3, 2, 3), channels first",
        ShapeError);
    Array swapped = Array::from_shape({6, 4});
    CHECK_THROWS_AS(batches.fill(0, swapped), ShapeError);
    CHECK_THROWS_AS(make(numbered(5), 4).fill(0, images, wrong), ShapeError);
    CHECK_THROWS_AS(batches.fill(0xffffffffffffffffULL, images), Error);
}
