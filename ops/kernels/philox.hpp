#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <duet/graph/hash.hpp>

/// Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC'11), many blocks at a
/// time: a plain loop over blocks that vectorises. The words are those of Random123's philox4x32 with key
/// (low, high) and counter (block low, block high, draw low, draw high).
namespace duet::philox {

/// What tells one stream of random numbers from another.
struct Key {
    std::uint32_t low;
    std::uint32_t high;

    friend bool operator==(const Key&, const Key&) = default;
};

/// splitmix64's finaliser (Steele, Lea, Flood 2014): a bijection of 64 bits that mixes them well.
constexpr std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
}

/// The key of the stream called `name` in a graph with this seed.
constexpr Key make_key(std::uint64_t seed, std::string_view name) {
    const std::uint64_t key = mix(mix(seed + 0x9e3779b97f4a7c15U) ^ hash(name));
    return {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32U)};
}

/// Blocks made together.
constexpr std::size_t lanes = 16;

/// words[j * lanes + i] is word j of block `first + i`.
using Words = std::array<std::uint32_t, 4 * lanes>;

/// The four words each of `lanes` blocks from `first` on, of draw number `draw`.
inline void fill(Key key, std::uint64_t draw, std::uint64_t first, Words& words) {
    for (std::size_t i = 0; i < lanes; ++i) {
        const std::uint64_t block = first + i;
        auto a = static_cast<std::uint32_t>(block), b = static_cast<std::uint32_t>(block >> 32U);
        auto c = static_cast<std::uint32_t>(draw), d = static_cast<std::uint32_t>(draw >> 32U);
        std::uint32_t low = key.low, high = key.high;
        for (int round = 0; round < 10; ++round) {
            const std::uint64_t p = std::uint64_t{0xD2511F53U} * a;
            const std::uint64_t q = std::uint64_t{0xCD9E8D57U} * c;
            a = static_cast<std::uint32_t>(q >> 32U) ^ b ^ low;
            b = static_cast<std::uint32_t>(q);
            c = static_cast<std::uint32_t>(p >> 32U) ^ d ^ high;
            d = static_cast<std::uint32_t>(p);
            low += 0x9E3779B9U;
            high += 0xBB67AE85U;
        }
        words[i] = a;
        words[lanes + i] = b;
        words[2 * lanes + i] = c;
        words[3 * lanes + i] = d;
    }
}

}  // namespace duet::philox
