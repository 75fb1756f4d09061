#include <duet/ops/arithmetic.hpp>

#include <cmath>
#include <memory>

#include <duet/ops/broadcast.hpp>
#include <duet/ops/comparison.hpp>
#include <duet/ops/math.hpp>
#include <duet/ops/parameter_rules.hpp>

namespace duet {

namespace {

class Add final : public BroadcastingOf<Add> {
 public:
    std::string name() const override { return "add"; }
    bool adds() const override { return true; }
    template <class T>
    T value(T a, T b) const {
        return a + b;
    }
    std::optional<Vector> emit(std::span<const Vector> inputs) const override {
        return value(inputs[0], inputs[1]);
    }
    Tensor gradient(std::size_t, const Application&, const Tensor& seed) const override { return seed; }
};

class Subtract final : public BroadcastingOf<Subtract> {
 public:
    std::string name() const override { return "subtract"; }
    template <class T>
    T value(T a, T b) const {
        return a - b;
    }
    std::optional<Vector> emit(std::span<const Vector> inputs) const override {
        return value(inputs[0], inputs[1]);
    }
    Tensor gradient(std::size_t input, const Application&, const Tensor& seed) const override {
        return input == 0 ? seed : -seed;
    }
};

class Multiply final : public BroadcastingOf<Multiply> {
 public:
    std::string name() const override { return "multiply"; }
    template <class T>
    T value(T a, T b) const {
        return a * b;
    }
    std::optional<Vector> emit(std::span<const Vector> inputs) const override {
        return value(inputs[0], inputs[1]);
    }
    Tensor gradient(std::size_t input, const Application& application, const Tensor& seed) const override {
        return seed * application.inputs[1 - input];
    }
};

class Divide final : public BroadcastingOf<Divide> {
 public:
    std::string name() const override { return "divide"; }
    template <class T>
    T value(T a, T b) const {
        return a / b;
    }
    std::optional<Vector> emit(std::span<const Vector> inputs) const override {
        return value(inputs[0], inputs[1]);
    }
    Tensor gradient(std::size_t input, const Application& application, const Tensor& seed) const override {
        const Tensor quotient = seed / application.inputs[1];
        return input == 0 ? quotient : -(quotient * application.output);
    }
};

class Negate final : public ElementwiseOf<Negate> {
 public:
    std::string name() const override { return "negate"; }
    template <class T>
    T value(T x) const {
        return -x;
    }
    std::optional<Vector> emit(std::span<const Vector> inputs) const override { return value(inputs[0]); }
    Tensor gradient(std::size_t, const Application&, const Tensor& seed) const override { return -seed; }
};

class Exp final : public ElementwiseOf<Exp> {
 public:
    std::string name() const override { return "exp"; }
    double flops_per_element() const override { return 10; }
    template <class T>
    T value(T x) const {
        return math::exp(x);
    }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        return seed * application.output;
    }
};

class Expm1 final : public ElementwiseOf<Expm1> {
 public:
    std::string name() const override { return "expm1"; }
    double flops_per_element() const override { return 10; }
    template <class T>
    T value(T x) const {
        return math::expm1(x);
    }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        return seed * exp(application.inputs[0]);
    }
};

class Log final : public ElementwiseOf<Log> {
 public:
    std::string name() const override { return "log"; }
    double flops_per_element() const override { return 10; }
    template <class T>
    T value(T x) const {
        return math::log(x);
    }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        return seed / application.inputs[0];
    }
};

class Log1p final : public ElementwiseOf<Log1p> {
 public:
    std::string name() const override { return "log1p"; }
    double flops_per_element() const override { return 10; }
    template <class T>
    T value(T x) const {
        return math::log1p(x);
    }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        return seed / (application.inputs[0] + 1.0);
    }
};

class Sqrt final : public ElementwiseOf<Sqrt> {
 public:
    std::string name() const override { return "sqrt"; }
    double flops_per_element() const override { return 4; }
    template <class T>
    T value(T x) const {
        using std::sqrt;
        return sqrt(x);
    }
    std::optional<Vector> emit(std::span<const Vector> inputs) const override { return value(inputs[0]); }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        return 0.5 * seed / application.output;
    }
};

class Square final : public ElementwiseOf<Square> {
 public:
    std::string name() const override { return "square"; }
    template <class T>
    T value(T x) const {
        return x * x;
    }
    std::optional<Vector> emit(std::span<const Vector> inputs) const override { return value(inputs[0]); }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        return 2.0 * seed * application.inputs[0];
    }
};

class Power final : public ElementwiseOf<Power> {
 public:
    explicit Power(double exponent) : exponent_(exponent) {}
    std::string name() const override { return "power"; }
    Attributes attributes() const override { return {{"exponent", exponent_}}; }
    double flops_per_element() const override { return 20; }
    template <class T>
    T value(T x) const {
        return std::pow(x, static_cast<T>(exponent_));
    }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        if (exponent_ == 0) return 0.0 * seed;
        return seed * (exponent_ * power(application.inputs[0], exponent_ - 1));
    }

 private:
    double exponent_;
};

class Abs final : public ElementwiseOf<Abs> {
 public:
    std::string name() const override { return "abs"; }
    template <class T>
    T value(T x) const {
        using std::fabs;
        return fabs(x);
    }
    std::optional<Vector> emit(std::span<const Vector> inputs) const override { return value(inputs[0]); }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        const Tensor& x = application.inputs[0];
        return where(greater(x, 0.0), seed, where(less(x, 0.0), -seed, 0.0));
    }
};

/// Nothing where the first condition holds, half of the seed where the second does, and all of it elsewhere:
/// also where an argument is NaN, for which neither holds.
Tensor share(const Tensor& passed_over, const Tensor& tied, const Tensor& seed) {
    return where(passed_over, 0.0, where(tied, 0.5 * seed, seed));
}

class Maximum final : public BroadcastingOf<Maximum> {
 public:
    std::string name() const override { return "maximum"; }
    template <class T>
    T value(T a, T b) const {
        return select(a != a, a, select(a > b, a, b));
    }
    std::optional<Vector> emit(std::span<const Vector> inputs) const override {
        return value(inputs[0], inputs[1]);
    }
    Tensor gradient(std::size_t input, const Application& application, const Tensor& seed) const override {
        const Tensor &mine = application.inputs[input], &other = application.inputs[1 - input];
        return share(less(mine, other), equal(mine, other), seed);
    }
};

class Minimum final : public BroadcastingOf<Minimum> {
 public:
    std::string name() const override { return "minimum"; }
    template <class T>
    T value(T a, T b) const {
        return select(a != a, a, select(a < b, a, b));
    }
    std::optional<Vector> emit(std::span<const Vector> inputs) const override {
        return value(inputs[0], inputs[1]);
    }
    Tensor gradient(std::size_t input, const Application& application, const Tensor& seed) const override {
        const Tensor &mine = application.inputs[input], &other = application.inputs[1 - input];
        return share(greater(mine, other), equal(mine, other), seed);
    }
};

}  // namespace

Tensor add(Operand a, Operand b) {
    return apply_broadcast(std::make_shared<Add>(), {a, b});
}
Tensor subtract(Operand a, Operand b) {
    return apply_broadcast(std::make_shared<Subtract>(), {a, b});
}
Tensor multiply(Operand a, Operand b) {
    return apply_broadcast(std::make_shared<Multiply>(), {a, b});
}
Tensor divide(Operand a, Operand b) {
    return apply_broadcast(std::make_shared<Divide>(), {a, b});
}
Tensor negate(Operand x) {
    return apply(std::make_shared<Negate>(), {x});
}
Tensor exp(Operand x) {
    return apply(std::make_shared<Exp>(), {x});
}
Tensor expm1(Operand x) {
    return apply(std::make_shared<Expm1>(), {x});
}
Tensor log(Operand x) {
    return apply(std::make_shared<Log>(), {x});
}
Tensor log1p(Operand x) {
    return apply(std::make_shared<Log1p>(), {x});
}
Tensor sqrt(Operand x) {
    return apply(std::make_shared<Sqrt>(), {x});
}
Tensor square(Operand x) {
    return apply(std::make_shared<Square>(), {x});
}

Tensor power(Operand x, double exponent) {
    const WhereScope scope(x.tensor().graph(), x.where());
    expect_finite("power", "exponent", exponent, scope.where());
    if (exponent == -1) return 1.0 / x;
    if (exponent == 0.5) return sqrt(x);
    if (exponent == 1) return x.tensor();
    if (exponent == 2) return square(x);
    if (exponent == 3) return x * square(x);
    return apply(std::make_shared<Power>(exponent), {x});
}

Tensor abs(Operand x) {
    return apply(std::make_shared<Abs>(), {x});
}
Tensor maximum(Operand a, Operand b) {
    return apply_broadcast(std::make_shared<Maximum>(), {a, b});
}
Tensor minimum(Operand a, Operand b) {
    return apply_broadcast(std::make_shared<Minimum>(), {a, b});
}

}  // namespace duet
