#include <doctest/doctest.h>

#include <duet/duet.hpp>

using namespace duet;

TEST_CASE("a variable keeps its shape and its storage") {
    const Variable variable("v", Shape{2}, 1.0F);
    const float* const storage = variable.data();
    const double* const exact = variable.data<double>();
    variable.assign(Array{3.0F, 4.0F});
    CHECK(variable.data() == storage);
    CHECK(variable.value()(1) == 4.0F);
    CHECK(variable.data<double>() == exact);
    CHECK(variable.value<double>()(1) == 4.0);
    CHECK_THROWS_AS(variable.assign(Array{1.0F}), ShapeError);
    variable.fill(7.0F);
    CHECK(variable.value<double>() == ArrayOf<double>{7.0, 7.0});
}

TEST_CASE_TEMPLATE("rates and assigned values reach programs of both types", T, float, double) {
    const Variable p("p", Shape{}, 10.0F);
    Graph graph;
    Sgd sgd("sgd", {1.0});
    auto step = compile<T>(graph, {}, {sgd.apply({{p, 0.0 * graph.read(p) + 1.0}})});
    step.run({});
    CHECK(step.value(p)() == T(9));
    sgd.set_rate(0.0);
    step.run({});
    CHECK(step.value(p)() == T(9));
    p.assign(filled(Shape{}, 100.0F));
    step.run({});
    CHECK(step.value(p)() == T(100));
    sgd.set_rate(0.1);
    step.run({});
    CHECK(step.value(p)() == doctest::Approx(99.9));
    CHECK(p.value()() == doctest::Approx(99.9F));
}

TEST_CASE("float64 programs share one value, exact from run to run, and float32 sees its rounding") {
    const Variable v("v", Shape{3}, 1.0F);
    Graph graph;
    auto up = compile<double>(graph, {graph.read(v)}, {{{v, graph.read(v) + 1e-12}}}),
         twice = compile<double>(graph, {}, {{{v, graph.read(v) * 2.0}}});
    auto single = compile<float>(graph, {graph.read(v) * 1.0}, {});
    auto trains = compile<float>(graph, {}, {{{v, graph.read(v) + 0.5}}});
    up.run({});
    twice.run({});
    up.run({});
    CHECK(up.value(v)(0) == 2.0 * (1.0 + 1e-12) + 1e-12);
    CHECK(twice.value(v)(2) == up.value(v)(2));
    CHECK(single.run({})[0] == Array{2.0F, 2.0F, 2.0F});
    CHECK(v.value() == Array{2.0F, 2.0F, 2.0F});
    CHECK(up.run({})[0](1) == 2.0 * (1.0 + 1e-12) + 1e-12);
    trains.run({});
    CHECK(up.value(v)(0) == 2.5);
    twice.run({});
    CHECK(v.value()(0) == 5.0F);
}

TEST_CASE("an initial value of another shape than the variable's is refused when it is read") {
    const Variable v("v", Shape{4}, [] { return filled(Shape{2}, 1.0F); });
    CHECK_THROWS_AS(v.value(), ShapeError);
    Graph graph;
    CHECK_THROWS_AS(compile<float>(graph, {graph.read(v)}), ShapeError);
}
