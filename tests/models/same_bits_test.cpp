#include <doctest/doctest.h>

#include <bit>
#include <cstdint>
#include <memory>
#include <string>

#include <duet/duet.hpp>

using namespace duet;

namespace {

/// FNV-1a over the bits of all trained values.
std::uint64_t bits_after(const models::GanShape& shape, const models::TrainingOptions& options, int steps) {
    models::Trainer trainer = models::gan_trainer(
        models::make_gan(shape, 1), options,
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
    CHECK(bits_after({}, {}, 10) == 14248463306079367329U);
    models::TrainingOptions options = models::default_options(models::ModelKind::dcgan);
    options.batch = 16;
    CHECK(bits_after({{16, 64, 32}, {32, 64}, 28, 28, 1, models::ModelKind::dcgan}, options, 3) ==
          18029897572032743914U);
    options.penalty = models::Penalty::r1;
    CHECK(bits_after({{16, 64, 32}, {32, 64}, 28, 28, 1, models::ModelKind::dcgan}, options, 3) ==
          14683245474560276230U);
}
#endif
