#pragma once

#include <array>
#include <cstddef>

namespace duet {

/// Where the channels of a small rectangle of values stand.
template <class T>
using Rectangle = T* [4][4];

/// The transforms of minimal filtering, between values at points and pixels, features or taps. Along an axis,
/// with the taps w, the pixels d, and the features y[i] = sum over t of d[i + t] w[t],
///
///     y = collect(evaluate(w) * spread(d)),
///
/// and so the gradients with regard to d and w are join(evaluate(w) * evaluate(dy)) and
/// collect(spread(d) * evaluate(dy)). `evaluate` takes its line for the coefficients of a polynomial, of
/// which it yields the values at 0, 1 and infinity, or at 0, 1, -1 and infinity; `collect` is its transpose,
/// and `join` that of `spread`.
///
/// Each is applied along both axes, of 3 or 4 points each and of 2 or, of 4 points, 3 coefficients; to
/// `channels` channels, a multiple of a vector register's lanes.
using Extents = std::array<std::size_t, 2>;

template <class T>
void evaluate(const Extents& points, const Extents& coefficients, const Rectangle<const T>& from,
              const Rectangle<T>& to, std::size_t channels);
template <class T>
void collect(const Extents& points, const Extents& coefficients, const Rectangle<const T>& from,
             const Rectangle<T>& to, std::size_t channels);
template <class T>
void spread(const Extents& points, const Rectangle<const T>& from, const Rectangle<T>& to,
            std::size_t channels);
/// Adds to what stands at `to`: the pixels of neighbouring tiles overlap.
template <class T>
void join(const Extents& points, const Rectangle<const T>& from, const Rectangle<T>& to,
          std::size_t channels);

}  // namespace duet
