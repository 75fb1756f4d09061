#include <duet/ops/reduce.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <duet/ops/broadcast.hpp>

#include "support.hpp"

using namespace duet;
using namespace duet::testing;

namespace {

const double infinity = std::numeric_limits<double>::infinity();

/// The terms of each element of the output, in order.
std::vector<std::vector<double>> terms_of(const Shape& shape, const std::vector<double>& x,
                                          const Axes& axes) {
    std::vector<std::vector<double>> terms(reduced_shape(shape, axes).elements());
    for (std::size_t i = 0; i < x.size(); ++i) {
        std::size_t target = 0, stride = 1, rest = i;
        for (std::size_t axis = shape.rank(); axis-- > 0; rest /= shape[axis]) {
            if (std::find(axes.begin(), axes.end(), axis) != axes.end()) continue;
            target += rest % shape[axis] * stride;
            stride *= shape[axis];
        }
        terms[target].push_back(x[i]);
    }
    return terms;
}

struct Case {
    Shape shape;
    Axes axes;
};

const std::vector<Case> cases{
    {{1}, {0}},
    {{5}, {0}},
    {{15}, {0}},
    {{16}, {0}},
    {{100}, {0}},
    {{5000}, {0}},
    {{100000}, {0}},
    {{128, 784}, {0, 1}},
    {{128, 784}, {1}},
    {{128, 784}, {0}},
    {{128, 128}, {0}},
    {{128, 1}, {1}},
    {{128, 1}, {0}},
    {{9, 3}, {0}},
    {{1000, 3}, {0}},
    {{40000, 7}, {0}},
    {{300, 63}, {0}},
    {{3000, 64}, {0}},
    {{2, 70000}, {0}},
    {{2, 70000}, {1}},
    {{1000, 300}, {0}},
    {{4, 5, 6}, {1}},
    {{4, 5, 6}, {0, 2}},
    {{4, 500, 60}, {1}},
    {{20, 3, 16, 16}, {0, 2, 3}},
    {{4, 3, 5, 2}, {1, 2}},
    {{6, 1, 4}, {1}},
    {{2, 3, 4, 5, 6}, {0, 2, 4}},
};

}  // namespace

TEST_CASE_TEMPLATE("sum, mean and max over every kind of axes", T, float, double) {
    const double tolerance = sizeof(T) == 4 ? 3e-7 : 2e-15;
    for (const Case& test : cases) {
        std::vector<double> x = varied(test.shape);
        for (double& value : x) value = static_cast<double>(static_cast<T>(value + 0.3));
        std::vector<double> sums, means, maxima;
        for (const auto& terms : terms_of(test.shape, x, test.axes)) {
            long double total = 0;
            for (const double term : terms) total += term;
            sums.push_back(static_cast<double>(total));
            means.push_back(static_cast<double>(total / static_cast<long double>(terms.size())));
            maxima.push_back(*std::max_element(terms.begin(), terms.end()));
        }
        const std::string name = to_string(test.shape);
        const auto reduced = [&](Tensor (*build)(Operand, const Axes&, bool), bool keep) {
            return evaluate<T>([&](const auto& inputs) { return build(inputs[0], test.axes, keep); },
                               {{test.shape, x}});
        };
        CHECK_MESSAGE(distance(reduced(sum, false), sums) < tolerance, name);
        CHECK_MESSAGE(distance(reduced(mean, false), means) < tolerance, name);
        CHECK_MESSAGE(values_of(reduced(duet::max, false)) == maxima, name);
        CHECK(shape_of(reduced(sum, true)) == with_unit_axes(test.shape, test.axes));
        CHECK(shape_of(reduced(mean, true)) == with_unit_axes(test.shape, test.axes));
        CHECK(shape_of(reduced(duet::max, true)) == with_unit_axes(test.shape, test.axes));
    }
}

TEST_CASE("without axes all are reduced, and a scalar stays itself") {
    const auto total = evaluate([](const auto& in) { return sum(in[0]); }, {{{2, 3}, {1, 2, 3, 4, 5, 6}}});
    CHECK(values_of(total) == std::vector<double>{21});
    CHECK(shape_of(total) == Shape{});
    Graph graph;
    const Tensor scalar = graph.input("x", {});
    CHECK(sum(scalar) == scalar);
    CHECK(duet::max(scalar) == scalar);
}

TEST_CASE("a sum of twenty million ones in float is exact") {
    Graph graph;
    const Tensor ones = graph.input("ones", {20'000'000});
    auto program = compile<float>(graph, {sum(ones)});
    ArrayOf<float> value = ArrayOf<float>::from_shape({20'000'000});
    std::fill(value.data(), value.data() + value.size(), 1.0F);
    program.run({{ones, value}});
    CHECK(program[0].data()[0] == 2e7F);
}

TEST_CASE_TEMPLATE("max propagates NaN and takes infinities", T, float, double) {
    for (const std::size_t place : {0, 3, 17, 63, 64, 99}) {
        std::vector<double> x = varied({100});
        x[place] = std::nan("");
        for (const Shape& shape : {Shape{100}, Shape{100, 1}, Shape{50, 2}, Shape{1, 100}}) {
            const auto largest = evaluate<T>([&](const auto& in) { return duet::max(in[0]); }, {{shape, x}});
            CHECK(std::isnan(largest.data()[0]));
        }
    }
    const auto rows = evaluate<T>([](const auto& in) { return duet::max(in[0], {0}); },
                                  {{{3, 2}, {-infinity, std::nan(""), -infinity, 2, -infinity, 3}}});
    CHECK(rows.data()[0] == static_cast<T>(-infinity));
    CHECK(std::isnan(rows.data()[1]));
}

TEST_CASE_TEMPLATE("logsumexp neither overflows nor fails at infinities", T, float, double) {
    const auto result =
        evaluate<T>([](const auto& in) { return logsumexp(in[0], {1}); },
                    {{{5, 2}, {1000, 1000, -1000, -1000, -infinity, -infinity, infinity, 0, -infinity, 3}}});
    CHECK(result.data()[0] == doctest::Approx(1000 + std::log(2.0)));
    CHECK(result.data()[1] == doctest::Approx(-1000 + std::log(2.0)));
    CHECK(result.data()[2] == static_cast<T>(-infinity));
    CHECK(result.data()[3] == static_cast<T>(infinity));
    CHECK(result.data()[4] == doctest::Approx(3));
    const auto kept =
        evaluate<T>([](const auto& in) { return logsumexp(in[0], {}, true); }, {{{2, 2}, {1, 2, 3, 4}}});
    CHECK(shape_of(kept) == Shape{1, 1});
}

TEST_CASE("sum_to undoes broadcast_to") {
    for (const auto& [from, to] : std::vector<std::pair<Shape, Shape>>{{{4, 3}, {3}},
                                                                       {{4, 3}, {4, 1}},
                                                                       {{4, 3}, {}},
                                                                       {{2, 4, 3}, {4, 1}},
                                                                       {{2, 4, 3}, {1, 1, 3}},
                                                                       {{2, 1}, {1}}}) {
        const Shape wide = from, narrow = to;
        const double repeats = static_cast<double>(wide.elements() / narrow.elements());
        std::vector<double> x = varied(narrow);
        const auto back = evaluate([&](const auto& in) { return sum_to(broadcast_to(in[0], wide), narrow); },
                                   {{narrow, x}});
        for (double& value : x) value *= repeats;
        CHECK(distance(back, x) < 1e-15);
    }
}
