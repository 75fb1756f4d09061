#include <duet/data/load_images.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include <duet/data/cifar.hpp>
#include <duet/data/data_folder.hpp>
#include <duet/data/image_folder.hpp>
#include <duet/graph/error.hpp>

namespace duet {
namespace {

namespace fs = std::filesystem;

bool holds_any(const fs::path& folder, std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(),
                       [&](const char* name) { return find_plain_or_gzip(folder, name).has_value(); });
}

}  // namespace

Dataset load_images(const fs::path& folder, Split split) {
    check_data_folder(folder);
    if (holds_any(folder, {"train-images-idx3-ubyte", "t10k-images-idx3-ubyte"}))
        return load_idx_folder(folder, split);
    if (holds_any(folder, {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                           "data_batch_5.bin", "test_batch.bin"}))
        return load_cifar10_folder(folder, split);
    if (!holds_png_files(folder)) {
        throw FileError(fmt::format(
            "no images in the data folder {}: looked for IDX files (train-images-idx3-ubyte, plain or .gz), "
            "CIFAR-10's binary files (data_batch_1.bin to data_batch_5.bin), PNG files, and folders of PNG "
            "files, one a class",
            folder.string()));
    }
    if (split == Split::test) {
        throw FileError(fmt::format(
            "the data folder {} holds PNG files, of which none are held back as test images; give a folder "
            "of test images as one to train on",
            folder.string()));
    }
    return load_image_folder(folder);
}

bool holds_test_images(const fs::path& folder) {
    return holds_any(folder, {"t10k-images-idx3-ubyte", "test_batch.bin"});
}

}  // namespace duet
