#include <doctest/doctest.h>

#include <sys/stat.h>

#include <duet/data/image_folder.hpp>
#include <duet/data/load_images.hpp>
#include <duet/data/png.hpp>

#include "support.hpp"

namespace fs = std::filesystem;
using namespace duet;
using namespace duet::testing;

namespace {

/// A picture of 3 x 2 pixels whose samples count up from `first`.
Image picture(std::uint8_t first, std::size_t channels = 1, std::size_t width = 3, std::size_t height = 2) {
    Image image{width, height, channels, Bytes(width * height * channels)};
    for (std::uint8_t& sample : image.pixels) sample = first++;
    return image;
}

void write_text(const fs::path& path, std::string_view text) {
    write_file_atomically(path, view(text));
}

std::string error_of(const fs::path& folder) {
    return file_error_of([&] { load_image_folder(folder); });
}

}  // namespace

TEST_CASE("a flat folder of PNG files in the order of their names") {
    const TemporaryFolder folder;
    write_png(folder.path() / "b.png", picture(20));
    write_png(folder.path() / "a.PNG", picture(0));
    write_png(folder.path() / "a10.png", picture(10));
    write_text(folder.path() / ".hidden", "not looked at");
    const Dataset dataset = load_image_folder(folder.path());
    CHECK(dataset.count == 3);
    CHECK(dataset.height == 2);
    CHECK(dataset.width == 3);
    CHECK(dataset.channels == 1);
    CHECK_FALSE(dataset.has_labels());
    CHECK(dataset.classes() == 0);
    CHECK(dataset.images == Bytes{0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 20, 21, 22, 23, 24, 25});
}

TEST_CASE("a folder of PNG files for each class") {
    const TemporaryFolder folder;
    for (const char* name : {"dogs", "cats", "birds"}) fs::create_directory(folder.path() / name);
    write_png(folder.path() / "dogs" / "1.png", picture(60, 3));
    write_png(folder.path() / "cats" / "2.png", picture(40, 3));
    write_png(folder.path() / "cats" / "1.png", picture(20, 3));
    write_png(folder.path() / "birds" / "9.png", picture(0, 3));
    fs::create_directory_symlink(folder.path() / "cats", folder.path() / "tabbies");
    const Dataset dataset = load_image_folder(folder.path());
    CHECK(dataset.count == 6);
    CHECK(dataset.channels == 3);
    CHECK(dataset.labels == Bytes{0, 1, 1, 2, 3, 3});
    CHECK(dataset.class_names == std::vector<std::string>{"birds", "cats", "dogs", "tabbies"});
    CHECK(dataset.classes() == 4);
    REQUIRE(dataset.images.size() == 6 * 18);
    for (std::size_t i = 0; i < 4 * 18; ++i) REQUIRE(dataset.images[i] == i / 18 * 20 + i % 18);
}

TEST_CASE("a folder of images that do not go together says which") {
    const TemporaryFolder folder;
    const fs::path first = folder.path() / "a.png", second = folder.path() / "b.png";
    CHECK(contains(error_of(folder.path() / "none"), "cannot read the data folder"));
    CHECK(contains(error_of(folder.path()), "an empty folder, expected at least one PNG file"));
    write_png(first, picture(0));
    SUBCASE("another size") {
        write_png(second, picture(0, 1, 2, 3));
        CHECK(error_of(folder.path()) == second.string() +
                                             ": the picture is 2 x 3 with 1 channel, expected 3 x 2 with 1 "
                                             "channel as " +
                                             first.string() + "; bring all to one size and kind");
    }
    SUBCASE("other channels") {
        write_png(second, picture(0, 3));
        CHECK(contains(error_of(folder.path()), "3 x 2 with 3 channels, expected 3 x 2 with 1 channel"));
    }
    SUBCASE("a damaged file") {
        Bytes bytes = encode_png(picture(0));
        bytes[bytes.size() - 20] ^= 0x80;
        write_file_atomically(second, view(bytes));
        CHECK(contains(error_of(folder.path()), second.string() + ": damaged PNG file"));
    }
    SUBCASE("a truncated file") {
        Bytes bytes = encode_png(picture(0));
        bytes.resize(bytes.size() - 9);
        write_file_atomically(second, view(bytes));
        CHECK(contains(error_of(folder.path()), second.string()));
    }
    SUBCASE("something else named PNG") {
        write_text(second, "GIF89a");
        CHECK(contains(error_of(folder.path()), second.string() + ": not a PNG file"));
    }
    SUBCASE("another kind of file") {
        write_text(folder.path() / "notes.txt", "notes");
        CHECK(contains(error_of(folder.path()), "notes.txt: not named as a PNG file"));
    }
    SUBCASE("folders beside files") {
        fs::create_directory(folder.path() / "cats");
        CHECK(contains(error_of(folder.path()), "cats: a folder, expected PNG files only"));
    }
    SUBCASE("a link to itself") {
        fs::create_symlink(second, second);
        CHECK(contains(error_of(folder.path()), "cannot read " + second.string()));
    }
    SUBCASE("a link to nowhere") {
        fs::create_symlink(folder.path() / "nowhere", second);
        CHECK(contains(error_of(folder.path()), "cannot read " + second.string()));
    }
    SUBCASE("a pipe") {
        REQUIRE(::mkfifo(second.c_str(), 0600) == 0);
        CHECK(contains(error_of(folder.path()), second.string() + ": it is not a regular file"));
    }
}

TEST_CASE("folders of classes that cannot be are refused") {
    const TemporaryFolder folder;
    const fs::path cats = folder.path() / "cats";
    fs::create_directory(cats);
    CHECK(contains(error_of(folder.path()), cats.string() + ": an empty folder"));
    write_png(cats / "1.png", picture(0));
    CHECK(load_image_folder(folder.path()).count == 1);
    SUBCASE("a link to the folder above") {
        fs::create_directory_symlink(folder.path(), folder.path() / "loop");
        CHECK(contains(error_of(folder.path()), "loop/cats: a folder, expected PNG files only"));
    }
    SUBCASE("a file beside the classes") {
        write_text(folder.path() / "labels.txt", "1");
        CHECK(contains(error_of(folder.path()), "cats: a folder, expected PNG files only"));
    }
    SUBCASE("as many classes as a label can tell apart, and one more") {
        for (int i = 0; i < 255; ++i) fs::copy(cats, folder.path() / ("copy" + std::to_string(i)));
        const Dataset dataset = load_image_folder(folder.path());
        CHECK(dataset.classes() == 256);
        CHECK(dataset.labels.back() == 255);
        fs::copy(cats, folder.path() / "dogs");
        CHECK(
            contains(error_of(folder.path()), "it holds 257 folders, expected one a class and at most 256"));
    }
}

TEST_CASE("what a folder holds is told by its names") {
    const TemporaryFolder folder;
    const fs::path& path = folder.path();
    const auto load = [&](Split split = Split::train) { return load_images(path, split); };
    const auto error = [&](Split split = Split::train) { return file_error_of([&] { load(split); }); };
    CHECK(contains(error(), "looked for IDX files (train-images-idx3-ubyte, plain or .gz), CIFAR-10's"));
    fs::create_directory(path / "cats");
    CHECK(contains(error(), "no images in the data folder"));
    CHECK(contains(file_error_of([&] { load_images(path / "none", Split::train); }), "No such file"));

    write_png(path / "cats" / "1.png", picture(0));
    CHECK(load().class_names == std::vector<std::string>{"cats"});
    CHECK(contains(error(Split::test), "none are held back"));
    fs::rename(path / "cats" / "1.png", path / "1.png");
    fs::remove(path / "cats");
    CHECK_FALSE(load().has_labels());

    Bytes record(3073);
    for (int i = 1; i <= 5; ++i)
        write_file_atomically(path / ("data_batch_" + std::to_string(i) + ".bin"), view(record));
    CHECK(load().channels == 3);
    CHECK(contains(error(Split::test), "no test_batch.bin"));

    write_file_atomically(path / "train-images-idx3-ubyte.gz", view(gzip(idx_file({4, 2, 2}))));
    CHECK(load().count == 4);
    CHECK(contains(error(Split::test), "looked for t10k-images-idx3-ubyte"));
}
