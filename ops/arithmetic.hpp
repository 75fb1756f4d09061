#pragma once

#include <duet/graph/tensor.hpp>

namespace duet {

/// Elementwise arithmetic. An argument is a tensor or a number; several arguments are broadcast to their
/// common shape as NumPy broadcasts, which is the shape of the result. Throws ShapeError where they cannot
/// be, and Error if no argument is a tensor. Outside a function's domain the result is what C's has, an
/// infinity or NaN, and NaN propagates.

Tensor add(Operand a, Operand b);
Tensor subtract(Operand a, Operand b);
Tensor multiply(Operand a, Operand b);
Tensor divide(Operand a, Operand b);
Tensor negate(Operand x);

inline Tensor operator+(Operand a, Operand b) {
    return add(a, b);
}
inline Tensor operator-(Operand a, Operand b) {
    return subtract(a, b);
}
inline Tensor operator*(Operand a, Operand b) {
    return multiply(a, b);
}
inline Tensor operator/(Operand a, Operand b) {
    return divide(a, b);
}
inline Tensor operator-(Operand x) {
    return negate(x);
}

Tensor exp(Operand x);
/// exp(x) - 1, precise near 0.
Tensor expm1(Operand x);
/// The natural logarithm.
Tensor log(Operand x);
/// log(1 + x), precise near 0.
Tensor log1p(Operand x);
/// The gradient at 0 is infinite: the norm in a penalty is sqrt(sum + 1e-12).
Tensor sqrt(Operand x);
Tensor square(Operand x);
/// x^exponent, as C's pow; made of cheaper ops for the exponents -1, 0.5, 1, 2 and 3. Throws Error for an
/// exponent that is not finite.
Tensor power(Operand x, double exponent);
/// |x|, of gradient 0 at 0.
Tensor abs(Operand x);
/// The larger of the two; NaN if one of them is. Where they are equal each gets half of the gradient, and
/// where one is NaN each gets all of it.
Tensor maximum(Operand a, Operand b);
/// The smaller of the two; NaN if one of them is. The gradient is shared as maximum's.
Tensor minimum(Operand a, Operand b);

}  // namespace duet
