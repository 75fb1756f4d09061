#include <cmath>
#include <string>
#include <vector>

#include <duet/autodiff/gradient_tape.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

/// First and second derivatives of an elementwise function, in closed form.
struct Derivatives {
    std::string name;
    Build build;
    double (*first)(double);
    double (*second)(double);
    std::vector<double> points;
};

double sigmoid_of(double x) {
    return 1 / (1 + std::exp(-x));
}

double relative_error(double found, double expected) {
    return expected == 0 ? std::fabs(found) : std::fabs(found / expected - 1);
}

/// f'(x) and f''(x) as a float32 program finds them.
std::pair<Array, Array> derivatives_of(const Build& build, const Array& points) {
    Graph graph;
    const Tensor x = graph.input("x", shape_of(points));
    const GradientTape tape(graph);
    const Tensor first = tape.gradient(build({x}), x), second = tape.gradient(first, x);
    auto program = compile<float>(graph, {first, second});
    program.run({{x, points}});
    return {program[0], program[1]};
}

}  // namespace

TEST_CASE("first and second gradients keep their relative precision where they are tiny, in float32") {
    const std::vector<Derivatives> cases{
        {"exp",
         [](const auto& in) { return duet::exp(in[0]); },
         [](double x) { return std::exp(x); },
         [](double x) { return std::exp(x); },
         {-80, -20, -1, 1, 20, 80}},
        {"expm1",
         [](const auto& in) { return duet::expm1(in[0]); },
         [](double x) { return std::exp(x); },
         [](double x) { return std::exp(x); },
         {-80, -20, -1, 1, 20, 80}},
        {"log",
         [](const auto& in) { return duet::log(in[0]); },
         [](double x) { return 1 / x; },
         [](double x) { return -1 / (x * x); },
         {1e-15, 0.1, 1, 20, 1e15}},
        {"log1p",
         [](const auto& in) { return duet::log1p(in[0]); },
         [](double x) { return 1 / (1 + x); },
         [](double x) { return -1 / ((1 + x) * (1 + x)); },
         {-0.999, -0.1, 1e-9, 20, 1e15}},
        {"sqrt",
         [](const auto& in) { return duet::sqrt(in[0]); },
         [](double x) { return 0.5 / std::sqrt(x); },
         [](double x) { return -0.25 / (x * std::sqrt(x)); },
         {1e-15, 0.1, 1, 20, 1e15}},
        {"1 / x",
         [](const auto& in) { return 1.0 / in[0]; },
         [](double x) { return -1 / (x * x); },
         [](double x) { return 2 / (x * x * x); },
         {-1e9, -1e-9, 1e-9, 20, 1e9}},
        {"power",
         [](const auto& in) { return power(in[0], -0.5); },
         [](double x) { return -0.5 * std::pow(x, -1.5); },
         [](double x) { return 0.75 * std::pow(x, -2.5); },
         {1e-9, 0.1, 20, 1e9}},
        {"elu",
         [](const auto& in) { return elu(in[0], 1.5); },
         [](double x) { return x > 0 ? 1.0 : 1.5 * std::exp(x); },
         [](double x) { return x > 0 ? 0.0 : 1.5 * std::exp(x); },
         {-80, -20, -10, -0.1, 0.1, 200}},
        {"elu, alpha below 0",
         [](const auto& in) { return elu(in[0], -1.5); },
         [](double x) { return x > 0 ? 1.0 : -1.5 * std::exp(x); },
         [](double x) { return x > 0 ? 0.0 : -1.5 * std::exp(x); },
         {-80, -20, -10, -0.1, 0.1, 200}},
        {"sigmoid",
         [](const auto& in) { return sigmoid(in[0]); },
         [](double x) { return sigmoid_of(x) * sigmoid_of(-x); },
         [](double x) { return sigmoid_of(x) * sigmoid_of(-x) * std::tanh(-x / 2); },
         {-80, -20, -1, 1}},
        {"softplus",
         [](const auto& in) { return softplus(in[0]); },
         sigmoid_of,
         [](double x) { return sigmoid_of(x) * sigmoid_of(-x); },
         {-80, -20, -1, 1}},
        {"tanh",
         [](const auto& in) { return duet::tanh(in[0]); },
         [](double x) { return 1 / (std::cosh(x) * std::cosh(x)); },
         [](double x) { return -2 * std::tanh(x) / (std::cosh(x) * std::cosh(x)); },
         {-1, 1e-9, 0.1, 1}},
    };
    for (const Derivatives& each : cases) {
        const Array points = array<float>({each.points.size()}, each.points);
        const auto [first, second] = derivatives_of(each.build, points);
        for (std::size_t i = 0; i < points.size(); ++i) {
            const double x = points.data()[i];
            const double errors[] = {relative_error(first.data()[i], each.first(x)),
                                     relative_error(second.data()[i], each.second(x))};
            CHECK_MESSAGE(errors[0] < 2e-6, each.name << "' at " << x << " is " << first.data()[i]);
            CHECK_MESSAGE(errors[1] < 2e-6, each.name << "'' at " << x << " is " << second.data()[i]);
        }
    }
}
