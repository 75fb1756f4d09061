#include <duet/ops/parameter_rules.hpp>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <duet/graph/error.hpp>
#include <duet/ops/activation.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/dropout.hpp>
#include <duet/ops/normalization.hpp>
#include <duet/ops/random.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

const double infinity = std::numeric_limits<double>::infinity();
const double nan_value = std::numeric_limits<double>::quiet_NaN();

struct Rule {
    std::string name;
    std::function<void(double, Where)> expect;
    std::vector<double> good, bad;
};

}  // namespace

TEST_CASE("rules of numbers say which number they do not accept, of what, and where") {
    const std::vector<Rule> rules{
        {"finite",
         [](double x, Where at) { expect_finite("elu", "alpha", x, at); },
         {-1e300, 0, 3},
         {infinity, -infinity, nan_value}},
        {"finite and at least 0",
         [](double x, Where at) { expect_not_negative("elu", "alpha", x, at); },
         {0, -0.0, 1e300},
         {-1e-300, infinity, -infinity, nan_value}},
        {"from 0 to 1",
         [](double x, Where at) { expect_share("elu", "alpha", x, at); },
         {0, 0.5, 1},
         {-1e-300, std::nextafter(1.0, 2.0), infinity, -infinity, nan_value}},
    };
    for (const Rule& rule : rules) {
        for (const double good : rule.good) CHECK_NOTHROW(rule.expect(good, {}));
        for (const double bad : rule.bad) {
            const std::string message = message_of<Error>([&] { rule.expect(bad, Where("train.cpp", 12)); });
            CHECK_MESSAGE(message.starts_with("train.cpp:12: elu: the alpha is "), message);
            CHECK_MESSAGE(message.ends_with("; it must be " + rule.name), message);
        }
    }
}

TEST_CASE("builders check their numbers") {
    Graph graph;
    const Tensor x = graph.input("x", {4, 3}), planes = graph.input("planes", {4, 3, 2});
    const Tensor three = graph.input("three", {3});
    const std::vector<Rule> builders{
        {"leaky_relu: the slope",
         [&](double a, Where) { leaky_relu(x, a); },
         {-2, 0, 0.2},
         {nan_value, infinity}},
        {"elu: the alpha", [&](double a, Where) { elu(x, a); }, {-2, 0, 1}, {nan_value, -infinity}},
        {"power: the exponent", [&](double a, Where) { power(x, a); }, {-2, 0, 0.3}, {nan_value, infinity}},
        {"batch_norm: the epsilon",
         [&](double a, Where) { batch_norm(x, 1.0, 0.0, a); },
         {0, 1e-5},
         {-1e-5, nan_value, infinity}},
        {"batch_norm_inference: the epsilon",
         [&](double a, Where) { batch_norm_inference(x, 1.0, 0.0, three, three, a); },
         {0, 1e-5},
         {-1e-5, nan_value, infinity}},
        {"layer_norm: the epsilon",
         [&](double a, Where) { layer_norm(x, {3}, 1.0, 0.0, a); },
         {0, 1e-5},
         {-1e-5, nan_value, infinity}},
        {"instance_norm: the epsilon",
         [&](double a, Where) { instance_norm(planes, 1.0, 0.0, a); },
         {0, 1e-5},
         {-1e-5, nan_value, infinity}},
        {"group_norm: the epsilon",
         [&](double a, Where) { group_norm(x, 3, 1.0, 0.0, a); },
         {0, 1e-5},
         {-1e-5, nan_value, infinity}},
        {"dropout \"mask\": the probability",
         [&](double a, Where) { dropout(x, "mask", a); },
         {},
         {-0.1, 1.1, nan_value}},
        {"bernoulli \"coin\": the probability",
         [&](double a, Where) { bernoulli(graph, "coin", {2}, a); },
         {},
         {-0.1, 1.1, nan_value}},
    };
    for (const Rule& each : builders) {
        for (const double good : each.good) CHECK_NOTHROW(each.expect(good, {}));
        for (const double bad : each.bad) {
            const std::string message = message_of<Error>([&] { each.expect(bad, {}); });
            CHECK_MESSAGE(contains(message, "parameter_rules_test.cpp:"), message);
            CHECK_MESSAGE(contains(message, ": " + each.name + " is "), message);
        }
    }
    CHECK_THROWS_AS(clip(x, 0, nan_value), Error);
    CHECK_NOTHROW(clip(x, 0, infinity));
}
