#include <duet/data/cifar.hpp>

#include "reader.hpp"

/// libFuzzer's entry: a file of CIFAR-10's binary version, plain or packed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return duet::testing::read_hostile(data, size,
                                       [](auto contents) { duet::parse_cifar10(contents, "fuzz"); });
}
