#pragma once

#include <cstdint>

namespace duet {

/// A pseudo-random permutation of 0 ... n - 1 that holds no table: any element is computed on its own, in
/// constant time on average, from (n, seed, epoch) alone.
///
/// A Feistel network of six rounds on pairs (left, right) with left < a, right < b and n <= a b < n + a,
/// after Black and Rogaway, "Ciphers with arbitrary finite domains" (2002): rounds add Philox4x32-10 (Salmon
/// et al. 2011) of one half to the other, modulo a or b; what falls at or above n goes through again.
class Permutation {
 public:
    /// `n` from 1 to 2^32; throws Error otherwise.
    Permutation(std::uint64_t n, std::uint64_t seed, std::uint64_t epoch);

    /// Where `position` goes; both are below n.
    std::uint64_t operator()(std::uint64_t position) const;

 private:
    std::uint64_t n_;
    std::uint64_t seed_;
    std::uint64_t epoch_;
    std::uint64_t left_size_;
    std::uint64_t right_size_;
};

}  // namespace duet
