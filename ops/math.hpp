#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

/// Elementary functions for kernels. A plain loop calling one of them vectorises (gcc and clang at -O3
/// -ffp-contract=off -fno-math-errno -fno-trapping-math), and each lane of any vector width, and the loop's
/// scalar tail, computes the same bits: no branches, and fused multiply-adds only where written.
///
/// For float: within 2 ulp over the whole range, denormal results included (they are rounded gradually, not
/// flushed). NaN propagates, infinities and the ends of the range behave as in C. A zero result keeps the
/// argument's sign only in tanh, expm1 and log1p. For double: the functions of the C++ library. Polynomials
/// are minimax fits in the relative error of the result; reductions follow Cody and Waite (1980).
namespace duet::math {

namespace detail {

constexpr float log2_e = 0x1.715476p+0F;
/// ln 2 in two parts; the first has trailing zeros, so that its product with an exponent is exact.
constexpr float ln2_high = 0x1.62e4p-1F;
constexpr float ln2_low = 0x1.7f7d1cp-20F;
/// Adding this rounds a small float to an integer, kept in the low bits of the sum.
constexpr float rounder = 0x1.8p+23F;

/// 2^k for k in [-126, 127]; `k` in two's complement.
inline float power_of_two(std::uint32_t k) {
    return std::bit_cast<float>((k + 127U) << 23U);
}

/// x = k ln 2 + r with |r| <= 0.347, and what the rounding of r lost.
struct ExpReduction {
    std::uint32_t k;
    float r;
    float lost;
};

inline ExpReduction reduce_exp(float x) {
    const float shifted = std::fma(x, log2_e, rounder);
    const float n = shifted - rounder;
    const float high = std::fma(n, -ln2_high, x);
    const float r = std::fma(n, -ln2_low, high);
    const float lost = std::fma(n, -ln2_low, high - r);
    return {std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(rounder), r, lost};
}

/// (exp(r) - 1 - r) / r^2 for |r| <= 0.347.
inline float exp_tail(float r) {
    float q = 0x1.6d5fbep-10F;
    q = std::fma(q, r, 0x1.1227ap-7F);
    q = std::fma(q, r, 0x1.5554d8p-5F);
    q = std::fma(q, r, 0x1.5554bp-3F);
    return std::fma(q, r, 0.5F);
}

/// exp(x) for x in [-87, 88], where no scaling is lost.
inline float exp_inner(float x) {
    const ExpReduction reduced = reduce_exp(x);
    const float r = reduced.r;
    return (1.0F + std::fma(r * r, exp_tail(r), r)) * power_of_two(reduced.k);
}

/// log(2^k (1 + f)) for |f| <= 1/3.
inline float log_sum(float k, float f) {
    float p = -0x1.0e2ca6p-3F;
    p = std::fma(p, f, 0x1.1defc4p-3F);
    p = std::fma(p, f, -0x1.f03b2cp-4F);
    p = std::fma(p, f, 0x1.1ef264p-3F);
    p = std::fma(p, f, -0x1.55b7fp-3F);
    p = std::fma(p, f, 0x1.99ce34p-3F);
    p = std::fma(p, f, -0x1.fffe5ep-3F);
    p = std::fma(p, f, 0x1.55550cp-2F);
    p = std::fma(p, f, -0.5F);
    const float square = f * f;
    const float tail = std::fma(k, ln2_low, p * square);
    return std::fma(k, ln2_high, f + tail);
}

/// The bits of k 2^23 where x = 2^k m with m in [2/3, 4/3).
inline std::uint32_t log_exponent(float x) {
    return (std::bit_cast<std::uint32_t>(x) - 0x3f2aaaabU) & 0xff800000U;
}

inline float log_exponent_value(std::uint32_t exponent) {
    return static_cast<float>(static_cast<std::int32_t>(exponent)) * 0x1p-23F;
}

}  // namespace detail

template <class T>
inline T exp(T x) {
    if constexpr (std::is_same_v<T, float>) {
        x = x > 104.0F ? 104.0F : x;
        x = x < -104.0F ? -104.0F : x;
        const detail::ExpReduction reduced = detail::reduce_exp(x);
        const float r = reduced.r;
        const float sum = 1.0F + r;
        const float rounded_off = (1.0F - sum) + r;
        const float value = sum + (rounded_off + std::fma(r * r, detail::exp_tail(r), reduced.lost));
        // 2^k in two steps: one factor alone would overflow, or lose a denormal result.
        const std::uint32_t half = static_cast<std::uint32_t>(static_cast<std::int32_t>(reduced.k) >> 1);
        return value * detail::power_of_two(half) * detail::power_of_two(reduced.k - half);
    } else {
        return std::exp(x);
    }
}

template <class T>
inline T expm1(T x) {
    if constexpr (std::is_same_v<T, float>) {
        float inner = x > 89.0F ? 89.0F : x;
        inner = inner < -18.0F ? -18.0F : inner;
        const detail::ExpReduction reduced = detail::reduce_exp(inner);
        const float r = reduced.r;
        const float tail = std::fma(r * r, detail::exp_tail(r), reduced.lost);
        // Half of 2^k (1 + r + tail) - 1, because 2^128 is no float.
        const float scale = detail::power_of_two(reduced.k - 1U);
        const float value = 2.0F * std::fma(scale, r + tail, scale - 0.5F);
        return x == 0.0F ? x : value;
    } else {
        return std::expm1(x);
    }
}

template <class T>
inline T log(T x) {
    if constexpr (std::is_same_v<T, float>) {
        const bool small = x < 0x1p-126F;
        const float scaled = small ? x * 0x1p+24F : x;
        const std::uint32_t exponent = detail::log_exponent(scaled);
        const float m = std::bit_cast<float>(std::bit_cast<std::uint32_t>(scaled) - exponent);
        const float k = detail::log_exponent_value(exponent) - (small ? 24.0F : 0.0F);
        float value = detail::log_sum(k, m - 1.0F);
        value = x == 0.0F ? -std::numeric_limits<float>::infinity() : value;
        value = x < 0.0F ? std::numeric_limits<float>::quiet_NaN() : value;
        return x < std::numeric_limits<float>::infinity() ? value : x;
    } else {
        return std::log(x);
    }
}

template <class T>
inline T log1p(T x) {
    if constexpr (std::is_same_v<T, float>) {
        const std::uint32_t exponent = detail::log_exponent(1.0F + x);
        // f = (1 + x) / 2^k - 1, rounded once: x / 2^k is exact; 4 / 2^k is a float also where 1 / 2^k is
        // none.
        const float reduced = std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) - exponent);
        const float scale = std::bit_cast<float>(0x40800000U - exponent);
        const float f = reduced + std::fma(0.25F, scale, -1.0F);
        float value = detail::log_sum(detail::log_exponent_value(exponent), f);
        value = x == -1.0F ? -std::numeric_limits<float>::infinity() : value;
        value = x < -1.0F ? std::numeric_limits<float>::quiet_NaN() : value;
        value = std::fabs(x) < 0x1p-25F ? x : value;
        return x < std::numeric_limits<float>::infinity() ? value : x;
    } else {
        return std::log1p(x);
    }
}

template <class T>
inline T tanh(T x) {
    if constexpr (std::is_same_v<T, float>) {
        const float size = std::fabs(x);
        const float square = x * x;
        float p = -5.70498872745e-3F;
        p = std::fma(p, square, 2.06390887954e-2F);
        p = std::fma(p, square, -5.37397155531e-2F);
        p = std::fma(p, square, 1.33314422036e-1F);
        p = std::fma(p, square, -3.33332819422e-1F);
        const float near_zero = std::fma(p * square, size, size);
        const float e = detail::exp_inner(2.0F * (size > 10.0F ? 10.0F : size));
        const float away = 1.0F - 2.0F / (e + 1.0F);
        return std::copysign(size < 0.625F ? near_zero : away, x);
    } else {
        return std::tanh(x);
    }
}

/// 1 / (1 + exp(-x)), from e = exp(-|x|): e - e q below zero and 1 - q above, with q = e / (1 + e).
template <class T>
inline T sigmoid(T x) {
    const T e = exp(-std::fabs(x));
    const T q = e / (T(1) + e);
    const T base = x < T(0) ? e : T(1);
    return std::fma(-base, q, base);
}

/// log(1 + exp(x)), computed without overflow as max(x, 0) + log1p(exp(-|x|)).
template <class T>
inline T softplus(T x) {
    return (x > T(0) ? x : T(0)) + log1p(exp(-std::fabs(x)));
}

/// log((word | 1) / 2^32): the logarithm of a uniform draw from (0, 1), within 3 ulp also next to 1. Always
/// negative.
template <class T>
inline T log_uniform(std::uint32_t word) {
    if constexpr (std::is_same_v<T, float>) {
        const float below = static_cast<float>(word | 1U) * 0x1p-32F;
        const float above = static_cast<float>(~word | 1U) * 0x1p-32F;
        const std::uint32_t exponent = detail::log_exponent(below);
        const float m = std::bit_cast<float>(std::bit_cast<std::uint32_t>(below) - exponent);
        // Close to 1 the distance from 1 has more digits than the number.
        const float f = exponent == 0U ? -above : m - 1.0F;
        return detail::log_sum(detail::log_exponent_value(exponent), f);
    } else {
        return word < 0x80000000U ? std::log(T(word | 1U) * T(0x1p-32))
                                  : std::log1p(-T(~word | 1U) * T(0x1p-32));
    }
}

/// sine and cosine of 2 pi word / 2^32, in this order; the word's last six bits are taken as zero, so that
/// the reduced angle is a float.
template <class T>
inline std::pair<T, T> sincos_turns(std::uint32_t word) {
    word &= ~63U;
    // The nearest quarter of a turn, and the rest in units of 2^-32 turns.
    const std::uint32_t quarter = (word + (1U << 29U)) >> 30U;
    const auto rest = static_cast<std::int32_t>(word - (quarter << 30U));
    T sine, cosine;
    if constexpr (std::is_same_v<T, float>) {
        const auto units = static_cast<float>(rest);
        const float r = std::fma(units, 0x1.921fb6p-30F, units * -0x1.777a5cp-55F);
        const float square = r * r;
        float s = std::fma(-1.9515295891e-4F, square, 8.3321608736e-3F);
        s = std::fma(s, square, -1.6666654611e-1F);
        sine = std::fma(s * square, r, r);
        float c = std::fma(2.443315711809948e-5F, square, -1.388731625493765e-3F);
        c = std::fma(c, square, 4.166664568298827e-2F);
        c = std::fma(c, square, -0.5F);
        cosine = std::fma(c, square, 1.0F);
    } else {
        const T r = static_cast<T>(rest) * T(0x1.921fb54442d18p-30);
        sine = std::sin(r);
        cosine = std::cos(r);
    }
    const bool swapped = (quarter & 1U) != 0U;
    const T a = swapped ? cosine : sine;
    const T b = swapped ? sine : cosine;
    return {(quarter & 2U) != 0U ? -a : a, ((quarter + 1U) & 2U) != 0U ? -b : b};
}

}  // namespace duet::math
