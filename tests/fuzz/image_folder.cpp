#include <array>
#include <cstdlib>

#include <duet/data/load_images.hpp>

#include "folder.hpp"
#include "reader.hpp"

namespace {

/// What a file of the folder may be called.
constexpr std::array names = {"a.png",
                              "b.PNG",
                              "c.png",
                              ".png",
                              ".hidden",
                              "Thumbs.db",
                              "cat/a.png",
                              "cat/b.png",
                              "dog/a.png",
                              "dog/.hidden",
                              "dog/cat/a.png",
                              "train-images-idx3-ubyte",
                              "train-labels-idx1-ubyte",
                              "train-images-idx3-ubyte.gz",
                              "train-labels-idx1-ubyte.gz",
                              "t10k-images-idx3-ubyte",
                              "t10k-labels-idx1-ubyte",
                              "data_batch_1.bin",
                              "data_batch_2.bin.gz",
                              "data_batch_3.bin.gz",
                              "data_batch_4.bin.gz",
                              "data_batch_5.bin.gz",
                              "test_batch.bin",
                              "test_batch.bin.gz"};

void check(const duet::Dataset& data) {
    const bool whole = data.images.size() == data.count * data.image_size() && data.count > 0 &&
                       (data.labels.empty() || data.labels.size() == data.count);
    if (!whole) std::abort();
}

}  // namespace

/// libFuzzer's entry: the files of a data folder, of any kind that load_images tells apart.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const duet::testing::HostileFolder folder(std::as_bytes(std::span(data, size)), names);
    for (const duet::Split split : {duet::Split::train, duet::Split::test})
        duet::testing::read_hostile(data, size,
                                    [&](auto) { check(duet::load_images(folder.path(), split)); });
    return 0;
}
