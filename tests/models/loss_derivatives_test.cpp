#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "closed_forms.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

using Function = std::function<double(double)>;
using Side = std::function<Tensor(const Tensor& real, const Tensor& fake)>;

/// A loss of some scores, real before fake, with its derivatives.
struct Derived {
    double value = 0;
    std::vector<double> first;
    std::vector<std::vector<double>> second;
};

/// The second derivatives are those of the first along each score.
Derived by_tape(const Side& side, const std::vector<double>& reals, const std::vector<double>& fakes) {
    Graph graph;
    const Tensor real = graph.input("real", {reals.size(), 1}), fake = graph.input("fake", {fakes.size(), 1}),
                 along_real = graph.input("along_real", real.shape()),
                 along_fake = graph.input("along_fake", fake.shape());
    const GradientTape tape(graph);
    const auto slope = [&](const Tensor& y, const Tensor& x) {
        return has_gradient_path(y, x) ? tape.gradient(y, x) : 0.0 * x;
    };
    const Tensor loss = side(real, fake);
    const Tensor first_real = slope(loss, real), first_fake = slope(loss, fake);
    const Tensor along = sum(first_real * along_real) + sum(first_fake * along_fake);
    auto program = compile<double>(
        graph, {loss, concat({first_real, first_fake}, 0),
                concat({slope(along, real), slope(along, fake)}, 0), real + along_real, fake + along_fake});
    const std::size_t count = reals.size() + fakes.size();
    Derived derived;
    for (std::size_t i = 0; i < count; ++i) {
        std::vector<double> to_real(reals.size(), 0.0), to_fake(fakes.size(), 0.0);
        (i < reals.size() ? to_real[i] : to_fake[i - reals.size()]) = 1;
        const ArrayOf<double> fed[] = {column(reals), column(fakes), column(to_real), column(to_fake)};
        program.run({{real, fed[0]}, {fake, fed[1]}, {along_real, fed[2]}, {along_fake, fed[3]}});
        derived.value = *program[0].data();
        derived.first.assign(program[1].data(), program[1].data() + count);
        derived.second.emplace_back(program[2].data(), program[2].data() + count);
    }
    return derived;
}

/// What a score adds to a mean, and its derivatives.
struct OfScore {
    Function value, first, second;
};

double curvature(double s) {
    return sigmoid_of(s) * sigmoid_of(-s);
}
double zero(double) {
    return 0;
}

const OfScore nothing{zero, zero, zero};
/// softplus(s) and softplus(-s).
const OfScore rising{softplus_of, sigmoid_of, curvature};
const OfScore falling{[](double s) { return softplus_of(-s); }, [](double s) { return -sigmoid_of(-s); },
                      curvature};
const OfScore squashed{sigmoid_of, curvature,
                       [](double s) { return curvature(s) * (sigmoid_of(-s) - sigmoid_of(s)); }};
const OfScore linearly{[](double s) { return s; }, [](double) { return 1.0; }, zero};

OfScore times(double factor, const OfScore& of) {
    return {[=](double s) { return factor * of.value(s); }, [=](double s) { return factor * of.first(s); },
            [=](double s) { return factor * of.second(s); }};
}

OfScore plus(const OfScore& a, const OfScore& b) {
    return {[=](double s) { return a.value(s) + b.value(s); },
            [=](double s) { return a.first(s) + b.first(s); },
            [=](double s) { return a.second(s) + b.second(s); }};
}

OfScore half_square_from(double label) {
    return {[=](double s) { return (s - label) * (s - label) / 2; }, [=](double s) { return s - label; },
            [](double) { return 1.0; }};
}

/// max(0, 1 - sign * s).
OfScore within_margin(double sign) {
    return {[=](double s) { return std::max(0.0, 1 - sign * s); },
            [=](double s) { return sign * s < 1 ? -sign : 0.0; }, zero};
}

std::vector<std::vector<double>> zeros(std::size_t count) {
    return std::vector<std::vector<double>>(count, std::vector<double>(count, 0.0));
}

/// Of means over the scores of each side.
Derived separate(const OfScore& of_real, const OfScore& of_fake, const std::vector<double>& reals,
                 const std::vector<double>& fakes) {
    Derived derived{0, {}, zeros(reals.size() + fakes.size())};
    const auto add = [&](const OfScore& of, const std::vector<double>& scores) {
        const auto n = static_cast<double>(scores.size());
        for (const double s : scores) {
            derived.value += of.value(s) / n;
            const std::size_t i = derived.first.size();
            derived.first.push_back(of.first(s) / n);
            derived.second[i][i] = of.second(s) / n;
        }
    };
    add(of_real, reals);
    add(of_fake, fakes);
    return derived;
}

/// Of the mean of a function of each real score minus its fake one.
Derived of_pairs(const OfScore& of, const std::vector<double>& reals, const std::vector<double>& fakes) {
    const std::size_t n = reals.size();
    Derived derived{0, std::vector<double>(2 * n), zeros(2 * n)};
    for (std::size_t i = 0; i < n; ++i) {
        const double difference = reals[i] - fakes[i], part = 1 / static_cast<double>(n);
        derived.value += part * of.value(difference);
        derived.first[i] = part * of.first(difference);
        derived.first[n + i] = -derived.first[i];
        derived.second[i][i] = derived.second[n + i][n + i] = part * of.second(difference);
        derived.second[i][n + i] = derived.second[n + i][i] = -part * of.second(difference);
    }
    return derived;
}

double mean_of(const std::vector<double>& values, const Function& f) {
    double total = 0;
    for (const double value : values) total += f(value);
    return total / static_cast<double>(values.size());
}

/// Of the mean over reals of p(r - F) plus that over fakes of q(f - R), F and R the means of fakes and reals.
Derived of_averages(const OfScore& p, const OfScore& q, const std::vector<double>& reals,
                    const std::vector<double>& fakes) {
    const auto self = [](double x) { return x; };
    const double mean_real = mean_of(reals, self), mean_fake = mean_of(fakes, self);
    const auto n = static_cast<double>(reals.size()), m = static_cast<double>(fakes.size());
    const auto over_fakes = [&](const Function& f) { return [&, f](double r) { return f(r - mean_fake); }; };
    const auto over_reals = [&](const Function& f) { return [&, f](double s) { return f(s - mean_real); }; };
    const double p1 = mean_of(reals, over_fakes(p.first)), q1 = mean_of(fakes, over_reals(q.first)),
                 p2 = mean_of(reals, over_fakes(p.second)), q2 = mean_of(fakes, over_reals(q.second));
    Derived derived{mean_of(reals, over_fakes(p.value)) + mean_of(fakes, over_reals(q.value)),
                    {},
                    zeros(reals.size() + fakes.size())};
    for (const double r : reals) derived.first.push_back((p.first(r - mean_fake) - q1) / n);
    for (const double s : fakes) derived.first.push_back((q.first(s - mean_real) - p1) / m);
    for (std::size_t i = 0; i < derived.first.size(); ++i)
        for (std::size_t k = 0; k < derived.first.size(); ++k) {
            const bool real_i = i < reals.size(), real_k = k < reals.size();
            double& second = derived.second[i][k];
            if (real_i && real_k)
                second = q2 / (n * n) + (i == k ? p.second(reals[i] - mean_fake) / n : 0);
            else if (!real_i && !real_k)
                second = p2 / (m * m) + (i == k ? q.second(fakes[i - reals.size()] - mean_real) / m : 0);
            else
                second = -(p.second(reals[real_i ? i : k] - mean_fake) +
                           q.second(fakes[(real_i ? k : i) - reals.size()] - mean_real)) /
                         (n * m);
        }
    return derived;
}

/// Relative to the derivative itself, beside what rounding to `floor` leaves of it.
void compare(const std::vector<double>& found, const std::vector<double>& wanted, double floor) {
    REQUIRE(found.size() == wanted.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        CAPTURE(i);
        CAPTURE(found[i]);
        CAPTURE(wanted[i]);
        CHECK(std::abs(found[i] - wanted[i]) <= 1e-12 * std::abs(wanted[i]) + floor);
    }
}

/// A first derivative keeps its digits at the saturating ends, where it is 1e-13. Those of the sigmoid do
/// not: 1 - sigmoid(s) is exact to 1e-16 alone.
void compare(const Derived& found, const Derived& wanted, bool of_sigmoid = false) {
    constexpr double rounding = 2e-16;
    CHECK(found.value == doctest::Approx(wanted.value).epsilon(1e-12));
    compare(found.first, wanted.first, of_sigmoid ? rounding : 0);
    for (std::size_t i = 0; i < found.second.size(); ++i)
        compare(found.second[i], wanted.second[i], rounding);
}

const std::vector<double> some_reals{-30, -2, 0, 0.5, 1.25, 30}, some_fakes{30, -1.5, 0.25, 3, 0.5, -30};

void compare(const models::LossFunction& loss, const OfScore& of_real, const OfScore& of_fake,
             const OfScore& of_generator, bool of_sigmoid = false) {
    compare(
        by_tape([&](const Tensor& real, const Tensor& fake) { return loss(real, fake, {}).discriminator; },
                some_reals, some_fakes),
        separate(of_real, of_fake, some_reals, some_fakes), of_sigmoid);
    compare(by_tape([&](const Tensor& real, const Tensor& fake) { return loss(real, fake, {}).generator; },
                    some_reals, some_fakes),
            separate(nothing, of_generator, some_reals, some_fakes), of_sigmoid);
}

}  // namespace

TEST_CASE("losses have their closed-form first and second derivatives, at the saturating ends too") {
    SUBCASE("minimax") {
        compare(models::minimax, falling, rising, times(-1, rising));
    }
    SUBCASE("non-saturating") {
        compare(models::non_saturating, falling, rising, falling);
    }
    SUBCASE("wasserstein") {
        compare(models::wasserstein, times(-1, linearly), linearly, times(-1, linearly));
    }
    SUBCASE("hinge") {
        compare(models::hinge, within_margin(1), within_margin(-1), times(-1, linearly));
    }
    SUBCASE("as listed") {
        compare(models::as_listed, squashed, squashed, times(-1, squashed), true);
    }
    SUBCASE("least squares, labels 1, 0, 1") {
        compare([](Operand real, Operand fake,
                   const models::SampleWeights& of) { return models::least_squares(real, fake, of); },
                half_square_from(1), half_square_from(0), half_square_from(1));
    }
    SUBCASE("least squares, labels of one's own") {
        compare(
            [](Operand real, Operand fake, const models::SampleWeights& of) {
                return models::least_squares(real, fake, of, {1.5, -0.5, 0.25});
            },
            half_square_from(1.5), half_square_from(-0.5), half_square_from(0.25));
    }
    const OfScore smoothed = plus(times(0.9, falling), times(1 - 0.9, rising));
    SUBCASE("minimax under label smoothing") {
        compare([](Operand real, Operand fake,
                   const models::SampleWeights& of) { return models::minimax(real, fake, of, 0.9); },
                smoothed, rising, times(-1, rising));
    }
    SUBCASE("non-saturating under label smoothing") {
        compare([](Operand real, Operand fake,
                   const models::SampleWeights& of) { return models::non_saturating(real, fake, of, 0.9); },
                smoothed, rising, falling);
    }
}

TEST_CASE("relativistic losses have their closed-form first and second derivatives") {
    const auto pairing = [](bool generator) {
        return by_tape(
            [=](const Tensor& real, const Tensor& fake) {
                const models::Losses losses = models::relativistic_pairing(real, fake);
                return generator ? losses.generator : losses.discriminator;
            },
            some_reals, some_fakes);
    };
    compare(pairing(false), of_pairs(falling, some_reals, some_fakes));
    compare(pairing(true), of_pairs(rising, some_reals, some_fakes));
    const std::vector<double> few_fakes{-30, 2, 30, 0.5};
    for (const std::vector<double>& fakes : {some_fakes, few_fakes}) {
        const auto average = [&](bool generator) {
            return by_tape(
                [=](const Tensor& real, const Tensor& fake) {
                    const models::Losses losses = models::relativistic_average(real, fake);
                    return generator ? losses.generator : losses.discriminator;
                },
                some_reals, fakes);
        };
        compare(average(false), of_averages(falling, rising, some_reals, fakes));
        compare(average(true), of_averages(rising, falling, some_reals, fakes));
    }
}

TEST_CASE("losses pass the check of gradients to second order") {
    using Both = models::Losses (*)(Operand, Operand);
    const Both all[] = {
        [](Operand real, Operand fake) { return models::minimax(real, fake, {}, 0.8); },
        [](Operand real, Operand fake) { return models::non_saturating(real, fake, {}, 0.8); },
        [](Operand real, Operand fake) { return models::wasserstein(real, fake); },
        [](Operand real, Operand fake) {
            return models::least_squares(real, fake, {}, {1.5, -0.5, 0.25});
        },
        [](Operand real, Operand fake) { return models::hinge(real, fake); },
        [](Operand real, Operand fake) { return models::as_listed(real, fake); },
        models::relativistic_pairing,
        models::relativistic_average,
    };
    const std::vector<ArrayOf<double>> at{column({-3, 0.5, 0, 1.5}), column({2, -0.25, -1.5, 0.75})};
    for (const Both loss : all) {
        const GradientCheckReport report = check_gradients(
            [&](Graph&, const std::vector<Tensor>& inputs) {
                const models::Losses losses = loss(inputs[0], inputs[1]);
                return losses.generator + 3.0 * losses.discriminator;
            },
            at);
        CHECK_MESSAGE(report.passed, report.message);
        CHECK(report.comparisons == 6);
    }
}
