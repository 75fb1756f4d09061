#include <doctest/doctest.h>

#include <bit>
#include <cstdint>
#include <memory>
#include <string>

#include "pair.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

/// FNV-1a over the bits of all trained values.
std::uint64_t bits_after(const Pair& pair, const Settings& settings, int steps) {
    models::Trainer trainer = gan_trainer(
        pair, 1, settings,
        std::make_shared<Dataset>(load_images(std::string(DUET_SOURCE_DIR) + "/data/mnist", Split::train)));
    for (int i = 0; i < steps; ++i) trainer.step();
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const Variable& variable : trainer.state().variables())
        for (const float value : variable.value())
            for (std::uint32_t bits = std::bit_cast<std::uint32_t>(value), i = 0; i < 4; ++i, bits >>= 8U)
                hash = (hash ^ (bits & 0xffU)) * 0x100000001b3U;
    return hash;
}

}  // namespace

// What these numbers are does not matter: they were made on a processor with AVX2, and others make the same.
#if defined(__FMA__)
TEST_CASE("a training ends in the same bits on every processor with fused multiply-add") {
    CHECK(bits_after({}, {"schedule.kind=documented"}, 10) == 14248463306079367329U);
    const Pair dcgan{{16, 64, 32}, {32, 64}, 28, 28, 1, "dcgan"};
    CHECK(bits_after(dcgan, {"batch=16"}, 3) == 18029897572032743914U);
    CHECK(bits_after(dcgan, {"batch=16", "penalties=[{kind=\"r1\"}]"}, 3) == 14683245474560276230U);
}
#endif
