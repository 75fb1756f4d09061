#include <duet/ops/activation.hpp>

#include <memory>

#include <fmt/format.h>

#include <duet/graph/error.hpp>
#include <duet/graph/graph.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/comparison.hpp>
#include <duet/ops/math.hpp>
#include <duet/ops/parameter_rules.hpp>

namespace duet {

namespace {

class Relu final : public ElementwiseOf<Relu> {
 public:
    std::string name() const override { return "relu"; }
    template <class T>
    T value(T x) const {
        return select(x < T(0), T(0), x);
    }
    std::optional<Vector> emit(std::span<const Vector> inputs) const override { return value(inputs[0]); }
    /// By the sign of the output, so that the input need not be kept.
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        return where(less_equal(application.output, 0.0), 0.0, seed);
    }
};

class LeakyRelu final : public ElementwiseOf<LeakyRelu> {
 public:
    explicit LeakyRelu(double slope) : slope_(slope) {}
    std::string name() const override { return "leaky_relu"; }
    Attributes attributes() const override { return {{"slope", slope_}}; }
    template <class T>
    T value(T x) const {
        return select(x > T(0), x, static_cast<T>(slope_) * x);
    }
    std::optional<Vector> emit(std::span<const Vector> inputs) const override { return value(inputs[0]); }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        const Tensor& same_sign = slope_ >= 0 ? application.output : application.inputs[0];
        return where(greater(same_sign, 0.0), seed, slope_ * seed);
    }

 private:
    double slope_;
};

class Elu final : public ElementwiseOf<Elu> {
 public:
    explicit Elu(double alpha) : alpha_(alpha) {}
    std::string name() const override { return "elu"; }
    Attributes attributes() const override { return {{"alpha", alpha_}}; }
    double flops_per_element() const override { return 12; }
    template <class T>
    T value(T x) const {
        const T below = static_cast<T>(alpha_) * math::expm1(x);
        return x > T(0) ? x : below;
    }
    /// alpha * exp(x) itself: the output plus alpha cancels.
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        const Tensor& x = application.inputs[0];
        const Tensor slope = alpha_ * exp(where(less(x, 0.0), x, 0.0));
        return where(less_equal(x, 0.0), seed * slope, seed);
    }

 private:
    double alpha_;
};

class Sigmoid final : public ElementwiseOf<Sigmoid> {
 public:
    std::string name() const override { return "sigmoid"; }
    double flops_per_element() const override { return 12; }
    template <class T>
    T value(T x) const {
        return math::sigmoid(x);
    }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        const Tensor& y = application.output;
        return seed * (y * (1.0 - y));
    }
};

class Tanh final : public ElementwiseOf<Tanh> {
 public:
    std::string name() const override { return "tanh"; }
    double flops_per_element() const override { return 10; }
    template <class T>
    T value(T x) const {
        return math::tanh(x);
    }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        return seed * (1.0 - square(application.output));
    }
};

class Softplus final : public ElementwiseOf<Softplus> {
 public:
    std::string name() const override { return "softplus"; }
    double flops_per_element() const override { return 22; }
    template <class T>
    T value(T x) const {
        return math::softplus(x);
    }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        return seed * sigmoid(application.inputs[0]);
    }
};

class Clip final : public ElementwiseOf<Clip> {
 public:
    Clip(double low, double high) : low_(low), high_(high) {}
    std::string name() const override { return "clip"; }
    Attributes attributes() const override { return {{"low", low_}, {"high", high_}}; }
    double flops_per_element() const override { return 2; }
    template <class T>
    T value(T x) const {
        const T low = static_cast<T>(low_), high = static_cast<T>(high_);
        const T raised = select(x < low, low, x);
        return select(raised > high, high, raised);
    }
    std::optional<Vector> emit(std::span<const Vector> inputs) const override { return value(inputs[0]); }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        const Tensor& x = application.inputs[0];
        return where(greater_equal(x, low_), where(less_equal(x, high_), seed, 0.0), 0.0);
    }

 private:
    double low_, high_;
};

}  // namespace

Tensor relu(Operand x) {
    return apply(std::make_shared<Relu>(), {x});
}
Tensor leaky_relu(Operand x, double slope) {
    const WhereScope scope(x.tensor().graph(), x.where());
    expect_finite("leaky_relu", "slope", slope, scope.where());
    return apply(std::make_shared<LeakyRelu>(slope), {x});
}
Tensor leaky_relu(Operand x) {
    return leaky_relu(x, 0.01);
}
Tensor elu(Operand x, double alpha) {
    const WhereScope scope(x.tensor().graph(), x.where());
    expect_finite("elu", "alpha", alpha, scope.where());
    return apply(std::make_shared<Elu>(alpha), {x});
}
Tensor elu(Operand x) {
    return elu(x, 1.0);
}
Tensor sigmoid(Operand x) {
    return apply(std::make_shared<Sigmoid>(), {x});
}
Tensor tanh(Operand x) {
    return apply(std::make_shared<Tanh>(), {x});
}
Tensor softplus(Operand x) {
    return apply(std::make_shared<Softplus>(), {x});
}

Tensor clip(Operand x, double low, double high) {
    const WhereScope scope(x.tensor().graph(), x.where());
    if (!(low <= high))
        throw Error(fmt::format("{}: clip: the bounds {} and {} are not in order; give the lower one first",
                                to_string(scope.where()), low, high));
    return apply(std::make_shared<Clip>(low, high), {x});
}

Tensor linear(Operand x) {
    return x.tensor();
}

Tensor Activation::operator()(Operand x) const {
    const Tensor input = x.tensor();
    const WhereScope scope(input.graph(), x.where());
    return function_(input);
}

}  // namespace duet
