#include <duet/data/permutation.hpp>

#include <Random123/philox.h>
#include <fmt/format.h>

#include <cassert>
#include <cmath>

#include <duet/graph/error.hpp>

namespace duet {
namespace {

constexpr std::uint64_t largest_n = std::uint64_t{1} << 32;
constexpr std::uint32_t rounds = 6;
/// Keeps these draws apart from others under the same seed.
constexpr std::uint64_t key_salt = 0x6570'6f63'685f'7065;

std::uint32_t low(std::uint64_t value) {
    return static_cast<std::uint32_t>(value);
}
std::uint32_t high(std::uint64_t value) {
    return static_cast<std::uint32_t>(value >> 32);
}

}  // namespace

Permutation::Permutation(std::uint64_t n, std::uint64_t seed, std::uint64_t epoch)
    : n_(n), seed_(seed ^ key_salt), epoch_(epoch) {
    if (n < 1 || n > largest_n) {
        throw Error(
            fmt::format("a permutation of {} elements was asked for, expected 1 to {}", n, largest_n));
    }
    left_size_ = static_cast<std::uint64_t>(std::sqrt(static_cast<double>(n)));
    while (left_size_ * left_size_ < n) ++left_size_;
    right_size_ = (n + left_size_ - 1) / left_size_;
}

std::uint64_t Permutation::operator()(std::uint64_t position) const {
    assert(position < n_);
    const r123::Philox4x32::key_type key{{low(seed_), high(seed_)}};
    const auto draw = [&](std::uint64_t half, std::uint32_t round) {
        const auto words = r123::Philox4x32{}({{low(half), round, low(epoch_), high(epoch_)}}, key);
        return std::uint64_t{words[1]} << 32 | words[0];
    };
    std::uint64_t value = position;
    do {
        std::uint64_t left = value / right_size_;
        std::uint64_t right = value % right_size_;
        for (std::uint32_t round = 0; round < rounds; round += 2) {
            left = (left + draw(right, round) % left_size_) % left_size_;
            right = (right + draw(left, round + 1) % right_size_) % right_size_;
        }
        value = left * right_size_ + right;
    } while (value >= n_);
    return value;
}

}  // namespace duet
