#include <duet/ops/comparison.hpp>

#include <memory>

#include <duet/ops/broadcast.hpp>

namespace duet {

namespace {

template <class Derived>
class ComparisonOf : public BroadcastingOf<Derived> {
 public:
    bool differentiable(std::size_t) const override { return false; }
};

class Greater final : public ComparisonOf<Greater> {
 public:
    std::string name() const override { return "greater"; }
    template <class T>
    T value(T a, T b) const {
        return select(a > b, T(1), T(0));
    }
    std::optional<Vector> emit(std::span<const Vector> inputs) const override {
        return value(inputs[0], inputs[1]);
    }
};

class GreaterEqual final : public ComparisonOf<GreaterEqual> {
 public:
    std::string name() const override { return "greater_equal"; }
    template <class T>
    T value(T a, T b) const {
        return select(a >= b, T(1), T(0));
    }
    std::optional<Vector> emit(std::span<const Vector> inputs) const override {
        return value(inputs[0], inputs[1]);
    }
};

class Less final : public ComparisonOf<Less> {
 public:
    std::string name() const override { return "less"; }
    template <class T>
    T value(T a, T b) const {
        return select(a < b, T(1), T(0));
    }
    std::optional<Vector> emit(std::span<const Vector> inputs) const override {
        return value(inputs[0], inputs[1]);
    }
};

class LessEqual final : public ComparisonOf<LessEqual> {
 public:
    std::string name() const override { return "less_equal"; }
    template <class T>
    T value(T a, T b) const {
        return select(a <= b, T(1), T(0));
    }
    std::optional<Vector> emit(std::span<const Vector> inputs) const override {
        return value(inputs[0], inputs[1]);
    }
};

class Equal final : public ComparisonOf<Equal> {
 public:
    std::string name() const override { return "equal"; }
    template <class T>
    T value(T a, T b) const {
        return select(a == b, T(1), T(0));
    }
    std::optional<Vector> emit(std::span<const Vector> inputs) const override {
        return value(inputs[0], inputs[1]);
    }
};

class Choose final : public BroadcastingOf<Choose> {
 public:
    std::string name() const override { return "where"; }
    bool differentiable(std::size_t input) const override { return input != 0; }
    template <class T>
    T value(T condition, T a, T b) const {
        return select(condition != T(0), a, b);
    }
    std::optional<Vector> emit(std::span<const Vector> inputs) const override {
        return value(inputs[0], inputs[1], inputs[2]);
    }
    Tensor gradient(std::size_t input, const Application& application, const Tensor& seed) const override {
        const Tensor& condition = application.inputs[0];
        return input == 1 ? where(condition, seed, 0.0) : where(condition, 0.0, seed);
    }
};

}  // namespace

Tensor greater(Operand a, Operand b) {
    return apply_broadcast(std::make_shared<Greater>(), {a, b});
}
Tensor greater_equal(Operand a, Operand b) {
    return apply_broadcast(std::make_shared<GreaterEqual>(), {a, b});
}
Tensor less(Operand a, Operand b) {
    return apply_broadcast(std::make_shared<Less>(), {a, b});
}
Tensor less_equal(Operand a, Operand b) {
    return apply_broadcast(std::make_shared<LessEqual>(), {a, b});
}
Tensor equal(Operand a, Operand b) {
    return apply_broadcast(std::make_shared<Equal>(), {a, b});
}
Tensor where(Operand condition, Operand a, Operand b) {
    return apply_broadcast(std::make_shared<Choose>(), {condition, a, b});
}

}  // namespace duet
