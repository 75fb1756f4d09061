#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include <duet/graph/array.hpp>

namespace duet::models {

/// A number and the interval that holds the truth in 95 of 100 cases.
struct Estimate {
    double value;
    double low, high;
};

/// Into so many blocks samples are divided, of which one at a time is left out.
inline constexpr std::size_t jackknife_blocks = 20;

/// The block of each of n samples: 20 blocks whose sizes differ by at most one, dealt out by a pseudo-random
/// permutation that depends on n alone, so that samples in the order of their classes are shared evenly. Both
/// sides of a comparison are divided by the same rule: samples that belong together (an image and its
/// reconstruction) leave together.
std::vector<std::uint8_t> jackknife_block_of(std::size_t n);

/// What a metric makes of all samples, and of those that remain when block 0, 1, ... of both sides is left
/// out. Its error follows from the spread of the latter (the delete-a-group jackknife; Quenouille 1956, Tukey
/// 1958): p_b = B v - (B - 1) v_b has the mean that is free of a bias of 1 / n, and a standard error of
/// s_p / sqrt(B); intervals are Student's with B - 1 degrees of freedom. Bootstrap percentiles are not: they
/// add the bias a second time.
struct Jackknife {
    double value = 0;
    std::array<double, jackknife_blocks> without = {};
    /// Whether the estimate is the mean of the p_b, free of a bias of 1 / n, or `value` as it is. It is true
    /// of what grows with n alone by such a bias (FID, MIND); for shares of neighbours the correction doubles
    /// the spread.
    bool corrected = false;

    double standard_error() const;
    Estimate estimate() const;
};

/// Of two samplers measured against the same reference: what both share cancels.
Jackknife operator-(const Jackknife& a, const Jackknife& b);

/// Samples as a metric takes them: (n, d), a row each, such as features or pixels.
using Samples = ArrayOf<double>;

/// Throws Error, naming `what`, if samples have another shape than (n, d), are fewer than two a block, or
/// hold a value that is not finite (saying which).
void check_samples(const Samples& samples, const char* what);
/// The same of both sides, and if their widths differ.
void check_pair(const Samples& real, const Samples& fake);
/// The same of training, held-out and fake samples.
void check_sides(const Samples& train, const Samples& held_out, const Samples& fake);

/// Calls work(i) for i = 0 ... count - 1 on `threads` threads, the caller among them, each i once. `work`
/// must not touch what another i does. What it throws is thrown here, that of the least i.
void for_each_index(std::size_t count, std::size_t threads, const std::function<void(std::size_t)>& work);

}  // namespace duet::models
