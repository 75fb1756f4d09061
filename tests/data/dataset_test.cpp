#include <doctest/doctest.h>

#include <array>

#include <duet/data/dataset.hpp>

#include "support.hpp"

namespace fs = std::filesystem;
using namespace duet;
using namespace duet::testing;

namespace {

const fs::path shipped = fs::path(DUET_SOURCE_DIR) / "data" / "mnist";

std::string error_of(const fs::path& folder, Split split = Split::train) {
    return file_error_of([&] { load_idx_folder(folder, split); });
}

}  // namespace

TEST_CASE("the shipped digits") {
    const Dataset train = load_idx_folder(shipped, Split::train);
    const Dataset test = load_idx_folder(shipped, Split::test);
    CHECK(train.count == 9000);
    CHECK(test.count == 1000);
    std::array<std::size_t, 10> classes{};
    for (const Dataset* part : {&train, &test}) {
        CHECK(part->height == 28);
        CHECK(part->width == 28);
        CHECK(part->channels == 1);
        CHECK(part->classes() == 10);
        CHECK(part->class_names.empty());
        CHECK(part->images.size() == part->count * 784);
        REQUIRE(part->labels.size() == part->count);
        for (const std::uint8_t label : part->labels) {
            REQUIRE(label < 10);
            ++classes[label];
        }
    }
    CHECK(classes == std::array<std::size_t, 10>{1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978});
}

TEST_CASE("plain files go before compressed ones, labels may be missing") {
    const TemporaryFolder folder;
    write_file_atomically(folder.path() / "train-images-idx3-ubyte.gz", view("not looked at"));
    write_file_atomically(folder.path() / "train-images-idx3-ubyte", view(idx_file({3, 2, 4})));
    const Dataset dataset = load_idx_folder(folder.path(), Split::train);
    CHECK(dataset.count == 3);
    CHECK(dataset.height == 2);
    CHECK(dataset.width == 4);
    CHECK(dataset.image_size() == 8);
    CHECK_FALSE(dataset.has_labels());
    CHECK(dataset.classes() == 0);
    write_file_atomically(folder.path() / "train-labels-idx1-ubyte.gz", view(gzip(idx_file({3}))));
    CHECK(load_idx_folder(folder.path(), Split::train).labels == Bytes{0, 1, 2});
}

TEST_CASE("a folder that is no data set says why") {
    const TemporaryFolder folder;
    const fs::path images = folder.path() / "train-images-idx3-ubyte";
    const fs::path labels = folder.path() / "train-labels-idx1-ubyte";
    CHECK(contains(error_of(folder.path() / "none"), "cannot read the data folder"));
    CHECK(contains(error_of(folder.path()),
                   "looked for train-images-idx3-ubyte and train-images-idx3-ubyte.gz"));
    CHECK(contains(error_of(folder.path(), Split::test), "t10k-images-idx3-ubyte.gz"));
    write_file_atomically(images, view(idx_file({3, 2})));
    CHECK(contains(error_of(images), "it is not a folder"));
    CHECK(contains(error_of(folder.path()), images.string() + ": IDX number of dimensions is 2, expected 3"));
    write_file_atomically(images, view(idx_file({0, 28, 28})));
    CHECK(contains(error_of(folder.path()), "holds no images"));
    write_file_atomically(images, view(idx_file({3, 0, 28})));
    CHECK(contains(error_of(folder.path()), "0 x 28 pixels"));
    write_file_atomically(images, view(idx_file({3, 2, 2})));
    write_file_atomically(labels, view(idx_file({4})));
    CHECK(contains(error_of(folder.path()), labels.string() + ": it holds 4 labels, expected 3"));
    write_file_atomically(labels, view(idx_file({3, 1})));
    CHECK(contains(error_of(folder.path()), "number of dimensions is 2, expected 1"));
    write_file_atomically(labels, view("broken"));
    CHECK(contains(error_of(folder.path()), labels.string()));
    fs::remove(labels);
    fs::remove(images);
    fs::create_directory(images);
    CHECK(contains(error_of(folder.path()), "it is a folder"));
}
