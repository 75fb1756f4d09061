#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include <duet/data/dataset.hpp>

namespace duet {

/// Loads a folder laid out as CIFAR-10's binary version is distributed: `data_batch_1.bin` to
/// `data_batch_5.bin`, or `test_batch.bin` for Split::test, each plain or with `.gz`. A file is a sequence of
/// records: the class, one byte below 10, then 32 x 32 red, green and blue values, row-major, one colour
/// after the other (Krizhevsky, "Learning multiple layers of features from tiny images", 2009;
/// https://www.cs.toronto.edu/~kriz/cifar.html). Throws FileError if the folder or one of the files is
/// missing, a file is empty or not a whole number of records, or a class is above 9.
Dataset load_cifar10_folder(const std::filesystem::path& folder, Split split);

/// The images of one such file, plain or gzip-compressed; `origin` stands for the path in errors.
Dataset parse_cifar10(std::span<const std::byte> contents, std::string_view origin);

}  // namespace duet
