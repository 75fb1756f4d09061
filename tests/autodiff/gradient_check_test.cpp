#include <duet/autodiff/gradient_check.hpp>

#include <functional>
#include <string>

#include <doctest/doctest.h>
#include <xtensor/xarray.hpp>

#include <duet/ops/arithmetic.hpp>
#include <duet/ops/broadcast.hpp>
#include <duet/ops/matmul.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/stop_gradient.hpp>

using namespace duet;

namespace {

/// x^3, or 5 x with `linear`; its gradient rule is what the test gives it.
class PlantedOp final : public ElementwiseOf<PlantedOp> {
 public:
    using Rule = std::function<Tensor(const Tensor& x, const Tensor& seed)>;
    PlantedOp(bool linear, Rule rule) : linear_(linear), rule_(std::move(rule)) {}
    std::string name() const override { return "planted"; }
    template <class T>
    T value(T x) const {
        return linear_ ? 5 * x : x * x * x;
    }
    Tensor gradient(std::size_t input, const Application& application, const Tensor& seed) const override {
        return rule_ ? rule_(application.inputs[0], seed) : Op::gradient(input, application, seed);
    }

 private:
    bool linear_;
    Rule rule_;
};

GradientCheckReport check_planted(bool linear, PlantedOp::Rule rule, GradientCheckOptions options = {}) {
    const auto op = std::make_shared<PlantedOp>(linear, std::move(rule));
    return check_gradients([&](Graph&, const std::vector<Tensor>& inputs) { return apply(op, {inputs[0]}); },
                           {Shape{2, 3}}, 0.5, 1.5, options);
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("right rules pass to second order") {
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
        const auto cube = check_planted(
            false, [](const Tensor& x, const Tensor& g) { return g * 3.0 * square(x); }, {.seed = seed});
        CHECK_MESSAGE(cube.passed, cube.message);
        CHECK(cube.message.empty());
        CHECK(cube.comparisons == 2);
        const auto linear =
            check_planted(true, [](const Tensor&, const Tensor& g) { return g * 5.0; }, {.seed = seed});
        CHECK_MESSAGE(linear.passed, linear.message);
    }
}

TEST_CASE("a wrong first-order rule is caught") {
    const GradientCheckReport report =
        check_planted(false, [](const Tensor& x, const Tensor& g) { return g * 2.0 * square(x); });
    CHECK_FALSE(report.passed);
    CHECK(contains(report.message, "first-order gradient of planted#"));
    CHECK(contains(report.message, "input 0"));
    CHECK(contains(report.message, "analytic"));
    CHECK(contains(report.message, "numeric"));
    CHECK(contains(report.message, "input 0 (2, 3): "));
    CHECK(contains(report.message, "gradient_check_test.cpp:"));
}

TEST_CASE("a rule wrong by one part in 10,000 is caught") {
    CHECK_FALSE(
        check_planted(false, [](const Tensor& x, const Tensor& g) { return g * 3.0003 * square(x); }).passed);
}

TEST_CASE("a rule that takes every element's seed for the first's is caught") {
    CHECK_FALSE(check_planted(true, [](const Tensor&, const Tensor& g) {
                    return broadcast_to(sum(g) / 6.0, g.shape()) * 5.0;
                }).passed);
}

TEST_CASE("a rule right in value but not in its own gradient is caught at second order only") {
    const auto detached_input = [](const Tensor& x, const Tensor& g) {
        return g * 3.0 * stop_gradient(square(x));
    };
    const auto detached_seed = [](const Tensor& x, const Tensor& g) {
        return stop_gradient(g) * 3.0 * square(x);
    };
    const auto half_detached = [](const Tensor& x, const Tensor& g) {
        return g * 3.0 * x * stop_gradient(x);
    };
    for (const PlantedOp::Rule& rule :
         {PlantedOp::Rule(detached_input), PlantedOp::Rule(detached_seed), PlantedOp::Rule(half_detached)}) {
        const GradientCheckReport report = check_planted(false, rule);
        CHECK_FALSE(report.passed);
        CHECK(contains(report.message, "second-order gradient of planted#"));
        CHECK(check_planted(false, rule, {.order = 1}).passed);
    }
}

TEST_CASE("a linear op whose rule cuts the second-order path is caught") {
    const PlantedOp::Rule rule = [](const Tensor&, const Tensor& g) { return stop_gradient(g) * 5.0; };
    CHECK(check_planted(true, rule, {.order = 1}).passed);
    CHECK_FALSE(check_planted(true, rule).passed);
}

TEST_CASE("a missing rule fails the check by the op's name") {
    const GradientCheckReport report = check_planted(false, nullptr);
    CHECK_FALSE(report.passed);
    CHECK(contains(report.message, "planted has no gradient rule"));
}

TEST_CASE("each input and each pair of inputs is checked") {
    const CheckedFunction product = [](Graph&, const std::vector<Tensor>& inputs) {
        return matmul(inputs[0], inputs[1]);
    };
    const GradientCheckReport report = check_gradients(product, {Shape{2, 3}, Shape{3, 4}}, -1, 1);
    CHECK_MESSAGE(report.passed, report.message);
    CHECK(report.comparisons == 6);
}

TEST_CASE("an input without a gradient path is left alone, and may go unused") {
    const CheckedFunction cut = [](Graph&, const std::vector<Tensor>& inputs) {
        return stop_gradient(inputs[0]);
    };
    const GradientCheckReport none = check_gradients(cut, {Shape{3}}, -1, 1);
    CHECK(none.passed);
    CHECK(none.comparisons == 0);
    const CheckedFunction first = [](Graph&, const std::vector<Tensor>& inputs) { return exp(inputs[0]); };
    const GradientCheckReport one = check_gradients(first, {Shape{3}, Shape{2}}, -1, 1);
    CHECK_MESSAGE(one.passed, one.message);
    CHECK(one.comparisons == 2);
}

TEST_CASE("scalars are checked at values given") {
    const CheckedFunction function = [](Graph&, const std::vector<Tensor>& inputs) {
        return log(inputs[0]) * inputs[1];
    };
    const GradientCheckReport report =
        check_gradients(function, {filled<double>({}, 2.0), filled<double>({}, -3.0)});
    CHECK_MESSAGE(report.passed, report.message);
}
