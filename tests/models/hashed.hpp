#pragma once

#include <cmath>
#include <cstdint>

#include <duet/duet.hpp>

namespace duet::testing {

/// The formula at the head of tests/fixtures/make_fixtures.py.
inline double hash_unit(std::uint32_t t, std::uint32_t i) {
    std::uint32_t x = i * 2654435761U + t * 2654445111U + 12345U;
    x = (x ^ (x >> 16U)) * 2246822519U;
    x = (x ^ (x >> 13U)) * 3266489917U;
    x ^= x >> 16U;
    return static_cast<double>(x) / 4294967296.0;
}

template <class T>
ArrayOf<T> hashed(const Shape& shape, std::uint32_t t, double scale, bool is_signed) {
    ArrayOf<T> array = filled(shape, T(0));
    for (std::uint32_t i = 0; i < array.size(); ++i) {
        const double unit = hash_unit(t, i);
        array.data()[i] = static_cast<T>(static_cast<float>(scale * (is_signed ? 2 * unit - 1 : unit)));
    }
    return array;
}

/// A tensor's L2 norm, then its dot products with eight fixed vectors.
template <class T>
ArrayOf<double> summary(const ArrayOf<T>& tensor) {
    ArrayOf<double> result = filled(Shape{9}, 0.0);
    for (std::uint32_t i = 0; i < tensor.size(); ++i) {
        const auto x = static_cast<double>(tensor.data()[i]);
        result.data()[0] += x * x;
        for (std::uint32_t p = 0; p < 8; ++p) result.data()[1 + p] += x * (2 * hash_unit(1000 + p, i) - 1);
    }
    result.data()[0] = std::sqrt(result.data()[0]);
    return result;
}

}  // namespace duet::testing
