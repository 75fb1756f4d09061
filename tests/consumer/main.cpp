// A program outside the library with two ops of its own, which must be as good as the library's.
// docs/adding-an-op.md explains them and quotes this file; tests/readme/run.sh compares the two.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <duet/duet.hpp>

using namespace duet;

/// x * sigmoid(x) (Ramachandran et al. 2017); NaN at minus infinity.
Tensor swish(Operand x);

/// Running sums along the last axis, from its front or, with `reverse`, from its back. Throws ShapeError for
/// a scalar.
Tensor cumulative_sum(Operand x, bool reverse = false);

namespace {

class Swish final : public ElementwiseOf<Swish> {
 public:
    std::string name() const override { return "swish"; }
    double flops_per_element() const override { return 13; }
    template <class T>
    T value(T x) const {
        return x * math::sigmoid(x);
    }
    Tensor gradient(std::size_t, const Application& application, const Tensor& seed) const override {
        const Tensor s = sigmoid(application.inputs[0]);
        return seed * (s + application.output * (1.0 - s));
    }
};

class CumulativeSum final : public OpOf<CumulativeSum> {
 public:
    explicit CumulativeSum(bool reverse) : reverse_(reverse) {}
    std::string name() const override { return "cumulative_sum"; }
    Attributes attributes() const override { return {{"reverse", reverse_}}; }
    Shape shape(std::span<const Shape> inputs) const override {
        if (inputs[0].rank() == 0) throw ShapeError("a scalar has no axis to sum along");
        return inputs[0];
    }
    double flops(const Signature& signature) const override {
        return static_cast<double>(signature.output.elements());
    }
    Tensor gradient(std::size_t, const Application&, const Tensor& seed) const override {
        return cumulative_sum(seed, !reverse_);
    }
    bool in_place(std::size_t) const override { return true; }
    std::size_t tiles(const Signature& signature) const override {
        return (rows(signature.output) + rows_per_tile - 1) / rows_per_tile;
    }
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const std::size_t length = kernel.output_shape[kernel.output_shape.rank() - 1];
        const std::size_t begin = kernel.tile * rows_per_tile;
        const std::size_t end = std::min(begin + rows_per_tile, rows(kernel.output_shape));
        for (std::size_t row = begin; row < end; ++row) {
            T sum = 0;
            for (std::size_t i = 0; i < length; ++i) {
                const std::size_t at = row * length + (reverse_ ? length - 1 - i : i);
                sum += kernel.inputs[0][at];
                kernel.output[at] = sum;
            }
        }
    }

 private:
    static constexpr std::size_t rows_per_tile = 64;
    static std::size_t rows(const Shape& shape) { return shape.elements() / shape[shape.rank() - 1]; }
    bool reverse_;
};

}  // namespace

Tensor swish(Operand x) {
    return apply(std::make_shared<Swish>(), {x});
}

Tensor cumulative_sum(Operand x, bool reverse) {
    return apply(std::make_shared<CumulativeSum>(reverse), {x});
}

namespace {

using Inputs = std::vector<Tensor>;

struct Case {
    std::string op_class, name;
    CheckedFunction build;
    std::vector<Shape> input_shapes;
    double low, high;
};

std::vector<Case> cases() {
    return {
        {"Swish", "swish", [](Graph&, const Inputs& x) { return swish(x[0]); }, {{3, 4}}, -3, 3},
        {"CumulativeSum",
         "cumulative_sum",
         [](Graph&, const Inputs& x) { return cumulative_sum(x[0]); },
         {{2, 3, 4}},
         -2,
         2},
        {"CumulativeSum",
         "cumulative_sum from the back",
         [](Graph&, const Inputs& x) { return cumulative_sum(x[0], true); },
         {{5}},
         -2,
         2},
    };
}

int failures = 0;

void expect(bool holds, const std::string& what) {
    if (holds) return;
    std::printf("failed: %s\n", what.c_str());
    ++failures;
}

void check_rules() {
    for (const Case& row : cases())
        for (std::uint64_t seed = 0; seed < 3; ++seed) {
            const GradientCheckReport report =
                check_gradients(row.build, row.input_shapes, row.low, row.high, {.order = 2, .seed = seed});
            expect(report.passed && report.comparisons > 0, row.name + ": " + report.message);
        }
}

/// Runs both ops in a chain long enough for several tiles, in float, and looks at every element.
Array check_values(std::size_t threads) {
    const std::size_t rows = 300, columns = 130;
    Graph graph;
    const Tensor x = graph.input("x", {rows, columns});
    const Tensor front = cumulative_sum(swish(x)), back = cumulative_sum(swish(x), true);
    Program<float> program = compile<float>(graph, {front, back}, {}, Arena(threads));

    Array input = filled(x.shape(), 0.0F);
    for (std::size_t i = 0; i < input.size(); ++i)
        input.data()[i] = 3 * std::sin(0.37F * static_cast<float>(i));
    program.run({{x, input}});

    double worst = 0;
    for (std::size_t row = 0; row < rows; ++row) {
        double from_front = 0, from_back = 0;
        for (std::size_t i = 0; i < columns; ++i) {
            const auto at = [&](std::size_t column) { return row * columns + column; };
            const auto term = [&](std::size_t column) {
                const double value = input.data()[at(column)];
                return value / (1 + std::exp(-value));
            };
            const std::size_t mirrored = columns - 1 - i;
            from_front += term(i);
            from_back += term(mirrored);
            worst = std::max(worst, std::abs(program[0].data()[at(i)] - from_front));
            worst = std::max(worst, std::abs(program[1].data()[at(mirrored)] - from_back));
        }
    }
    expect(worst < 1e-4, "values differ from the formula by " + std::to_string(worst));
    return program[0];
}

void check_errors() {
    Graph graph;
    try {
        cumulative_sum(graph.input("x", {}));
        expect(false, "a scalar was accepted");
    } catch (const ShapeError& error) {
        const std::string_view message = error.what();
        for (const char* part : {"cumulative_sum", "a scalar has no axis", "main.cpp:"})
            expect(message.find(part) != std::string_view::npos, std::string("no ") + part + " in the error");
    }
}

/// A regression with the new activation and a penalty on its input gradient: the loss must fall.
void check_training() {
    const models::Network network = models::mlp("network", {2, 16, 1}, swish, linear, 1);
    Graph graph;
    const GradientTape tape(graph);
    const Tensor x = random_normal(graph, "x", {64, 2});
    const Tensor y = network(x);
    const Tensor error = mean(square(y - sum(square(x), {1}, true)));
    const Tensor penalty = 1e-3 * mean(square(tape.gradient(y, x)));
    Adam adam("adam", {.rate = 1e-2});
    Program<float> step = compile<float>(
        graph, {error}, {adam.apply(tape.gradient(error + penalty, network.variables()))}, Arena(2));
    const auto error_at = [&](std::uint64_t draw) { return step.run({}, draw)[0].data()[0]; };
    const float before = error_at(0);
    for (std::uint64_t draw = 1; draw < 400; ++draw) error_at(draw);
    const float after = error_at(400);
    expect(after < 0.1F * before,
           "training took the error from " + std::to_string(before) + " to only " + std::to_string(after));
}

}  // namespace

int main() {
    try {
        check_rules();
        expect(check_values(1) == check_values(2), "two threads give other bits than one");
        check_errors();
        check_training();
    } catch (const std::exception& error) {
        expect(false, error.what());
    }
    std::puts(failures == 0 ? "all passed" : "not all passed");
    return failures == 0 ? 0 : 1;
}
