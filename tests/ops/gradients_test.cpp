#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <duet/autodiff/gradient_tape.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/comparison.hpp>
#include <duet/ops/pooling.hpp>
#include <duet/ops/reduce.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

/// What `gradient(y, x, seed)` must be for each argument.
struct Gradients {
    std::string name;
    Build build;
    std::vector<Argument> arguments;
    std::vector<std::vector<double>> expected;
    std::vector<double> seed = {};
};

/// The gradients with regard to all arguments, by a seed of ones where none is given.
template <class T>
std::vector<ArrayOf<T>> gradients_of(const Gradients& each) {
    Graph graph;
    std::vector<Tensor> inputs, fetches;
    std::vector<ArrayOf<T>> arrays;
    for (const Argument& argument : each.arguments) {
        inputs.push_back(graph.input("input" + std::to_string(inputs.size()), argument.shape));
        arrays.push_back(array<T>(argument.shape, argument.values));
    }
    const GradientTape tape(graph);
    const Tensor y = each.build(inputs);
    const Tensor seed = each.seed.empty() ? Tensor() : graph.constant(array(y.shape(), each.seed));
    for (const Tensor& input : inputs) fetches.push_back(tape.gradient(y, input, seed));
    fetches.push_back(y);  // which reads all that is fed
    auto program = compile<T>(graph, fetches);
    std::vector<FeedOf<T>> feeds;
    for (std::size_t i = 0; i < inputs.size(); ++i) feeds.push_back({inputs[i], arrays[i]});
    const auto results = program.run(feeds);
    return {results.begin(), results.end() - 1};
}

template <class T>
void check_all(const std::vector<Gradients>& cases) {
    for (const Gradients& each : cases) {
        const auto found = gradients_of<T>(each);
        REQUIRE(found.size() == each.expected.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
            REQUIRE(found[i].size() == each.expected[i].size());
            for (std::size_t k = 0; k < found[i].size(); ++k) {
                const double value = found[i].data()[k], expected = each.expected[i][k];
                const bool same = std::isnan(expected) ? std::isnan(value)
                                                       : value == doctest::Approx(expected).epsilon(1e-6);
                CHECK_MESSAGE((same || value == expected), each.name << ", argument " << i << ", element "
                                                                     << k << ": " << value << " for "
                                                                     << expected);
            }
        }
    }
}

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
        const auto found = derivatives_of(each.build, points);
        for (std::size_t i = 0; i < points.size(); ++i) {
            const double x = points.data()[i];
            const double first = found.first.data()[i], second = found.second.data()[i];
            CHECK_MESSAGE(relative_error(first, each.first(x)) < 2e-6,
                          each.name << "' at " << x << " is " << first);
            CHECK_MESSAGE(relative_error(second, each.second(x)) < 2e-6,
                          each.name << "'' at " << x << " is " << second);
        }
    }
}

TEST_CASE_TEMPLATE("gradients beside NaN and at 0 are PyTorch's", T, float, double) {
    // The expected numbers are those of PyTorch 2.13; max is its amax.
    const Argument x{{8}, {nan_value, -1, 0, 1, infinity, -infinity, -20, -100}};
    const Argument left{{8}, {nan_value, 1, nan_value, 2, 3, 1, infinity, -infinity}};
    const Argument right{{8}, {1, nan_value, nan_value, 2, 1, 3, nan_value, nan_value}};
    check_all<T>({
        {"maximum",
         [](const auto& in) { return maximum(in[0], in[1]); },
         {left, right},
         {{1, 1, 1, 0.5, 1, 0, 1, 1}, {1, 1, 1, 0.5, 0, 1, 1, 1}}},
        {"minimum",
         [](const auto& in) { return minimum(in[0], in[1]); },
         {left, right},
         {{1, 1, 1, 0.5, 0, 1, 1, 1}, {1, 1, 1, 0.5, 1, 0, 1, 1}}},
        {"abs", [](const auto& in) { return duet::abs(in[0]); }, {x}, {{0, -1, 0, 1, 1, -1, -1, -1}}},
        {"clip", [](const auto& in) { return clip(in[0], -1, 1); }, {x}, {{0, 1, 1, 1, 0, 0, 0, 0}}},
        {"relu", [](const auto& in) { return relu(in[0]); }, {x}, {{1, 0, 0, 1, 1, 0, 0, 0}}},
        {"leaky_relu",
         [](const auto& in) { return leaky_relu(in[0], 0.2); },
         {x},
         {{0.2, 0.2, 0.2, 1, 1, 0.2, 0.2, 0.2}}},
        {"elu",
         [](const auto& in) { return elu(in[0], 1.5); },
         {x},
         {{1, 0.5518192052841187, 1.5, 1, 1, 0, 3.0917304272293222e-09, 0}}},
        {"sqrt",
         [](const auto& in) { return duet::sqrt(in[0]); },
         {{{3}, {0, 0, 4}}},
         {{nan_value, infinity, 0.25}},
         {0, 1, 1}},
        {"where",
         [](const auto& in) { return where(greater(in[2], 0.0), in[0], in[1]) + 0.0 * in[2]; },
         {{{3}, {nan_value, 1, 2}}, {{3}, {1, nan_value, 3}}, {{3}, {1, 0, 1}}},
         {{1, 0, 1}, {0, 1, 0}, {0, 0, 0}}},
        {"max",
         [](const auto& in) { return duet::max(in[0], {1}); },
         {{{3, 3}, {nan_value, 1, 2, 1, nan_value, nan_value, 1, 1, 0}}},
         {{nan_value, nan_value, nan_value, nan_value, nan_value, nan_value, 0.5, 0.5, 0}}},
        {"max_pool2d",
         [](const auto& in) { return max_pool2d(in[0]); },
         {{{1, 1, 4, 4},
           {nan_value, 1, 2, 3, 5, nan_value, nan_value, 4, -infinity, -infinity, 0, 0, -infinity, -infinity,
            1, 1}}},
         {{0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0}}},
    });
}

TEST_CASE_TEMPLATE("a choice between arguments keeps NaN out of gradients, where one between values does not",
                   T, float, double) {
    const Argument x{{2}, {0, 4}};
    check_all<T>({
        {"between values",
         [](const auto& in) { return where(greater(in[0], 0.0), duet::sqrt(in[0]), 0.0); },
         {x},
         {{nan_value, 0.25}}},
        {"between arguments",
         [](const auto& in) {
             const Tensor inside = greater(in[0], 0.0);
             return where(inside, duet::sqrt(where(inside, in[0], 1.0)), 0.0);
         },
         {x},
         {{0, 0.25}}},
    });
}
