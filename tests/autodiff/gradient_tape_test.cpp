#include <duet/autodiff/gradient_tape.hpp>

#include <functional>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <xtensor/xarray.hpp>

#include <duet/graph/error.hpp>
#include <duet/graph/runtime/program.hpp>
#include <duet/ops/arithmetic.hpp>
#include <duet/ops/reduce.hpp>
#include <duet/ops/stop_gradient.hpp>

using namespace duet;

namespace {

/// The values of a fetch that needs no feeds.
std::vector<double> values(const Tensor& tensor) {
    Program<double> program = compile<double>(tensor.graph(), {tensor});
    const ArrayOf<double>& result = program.run({})[0];
    return {result.data(), result.data() + result.size()};
}

double value(const Tensor& tensor) {
    return values(tensor).front();
}

Variable variable(const std::string& name, std::initializer_list<float> elements) {
    Variable result(name, Shape{elements.size()}, 0.0f);
    std::copy(elements.begin(), elements.end(), result.data());
    return result;
}

template <class Exception>
std::string message_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Exception& error) {
        return error.what();
    }
    return "nothing was thrown";
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string this_file(unsigned line) {
    return fmt::format("gradient_tape_test.cpp:{}", line);
}

/// Doubles its input; its gradient rule is what the test gives it.
class DoubleOp final : public ElementwiseOf<DoubleOp> {
 public:
    using Rule = std::function<Tensor(const Application&, const Tensor&)>;
    explicit DoubleOp(Rule rule) : rule_(std::move(rule)) {}
    std::string name() const override { return "double"; }
    template <class T>
    T value(T x) const {
        return x + x;
    }
    Tensor gradient(std::size_t input, const Application& application, const Tensor& seed) const override {
        return rule_ ? rule_(application, seed) : Op::gradient(input, application, seed);
    }

 private:
    Rule rule_;
};

}  // namespace

TEST_CASE("gradients of gradients are gradients") {
    Graph graph;
    const Variable x = variable("x", {2, -3});
    GradientTape tape(graph);
    const Tensor read = graph.read(x);
    const Tensor loss = sum(read * read * read);
    const VariableGradients first = tape.gradient(loss, {x});
    REQUIRE(first.size() == 1);
    CHECK(first[0].variable == x);
    CHECK(values(first[0].gradient) == std::vector<double>{12, 27});
    const Tensor second = tape.gradient(sum(first[0].gradient), {x})[0].gradient;
    CHECK(values(second) == std::vector<double>{12, -18});
    CHECK(values(tape.gradient(sum(second), {x})[0].gradient) == std::vector<double>{6, 6});
}

TEST_CASE("a loss of several elements is an error that names it") {
    Graph graph;
    const Variable x = variable("x", {2, -3});
    GradientTape tape(graph);
    const Tensor loss = square(graph.read(x)).named("loss");
    const std::string message = message_of<GradientError>([&] { tape.gradient(loss, {x}); });
    CHECK(contains(message, "loss (2)"));
    CHECK(contains(message, this_file(__LINE__ - 3)));
    CHECK(contains(message, this_file(__LINE__ - 3)));
    CHECK(contains(message, "mean or sum"));
}

TEST_CASE("a loss of one element may have axes") {
    Graph graph;
    const Variable x = variable("x", {5});
    GradientTape tape(graph);
    CHECK(values(tape.gradient(square(graph.read(x)), {x})[0].gradient) == std::vector<double>{10});
}

TEST_CASE("the vector-Jacobian product takes its seed, and ones without one") {
    Graph graph;
    GradientTape tape(graph);
    const Tensor x = graph.read(variable("x", {2, -3}));
    const Tensor y = square(x);
    CHECK(values(tape.gradient(y, x)) == std::vector<double>{4, -6});
    const Tensor seed = graph.read(variable("seed", {10, 100}));
    CHECK(values(tape.gradient(y, x, seed)) == std::vector<double>{40, -600});
    CHECK(values(tape.gradient(x, x)) == std::vector<double>{1, 1});
    CHECK_THROWS_AS(tape.gradient(y, x, graph.constant(1.0)), ShapeError);
}

TEST_CASE("the seed is a constant even where it depends on the target") {
    Graph graph;
    GradientTape tape(graph);
    const Tensor x = graph.read(variable("x", {3}));
    CHECK(values(tape.gradient(square(x), x, x)) == std::vector<double>{18});
}

TEST_CASE("a target without a path is an error that names it, and appends nothing") {
    Graph graph;
    const Variable used = variable("used", {1}), unused = variable("unused", {1}),
                   unread = variable("unread", {1});
    GradientTape tape(graph);
    const Tensor loss = sum(graph.read(used));
    graph.read(unused);
    const NodeId size = graph.size();
    CHECK(contains(message_of<GradientError>([&] { tape.gradient(loss, {used, unused}); }), "unused"));
    CHECK(contains(message_of<GradientError>([&] {
                       tape.gradient(loss, {used, unread});
                   }),
                   "variable unread (1)"));
    CHECK(graph.size() == size);
}

TEST_CASE("a target read before the loss but beside it is named with its line") {
    Graph graph;
    const Variable used = variable("used", {1}), beside = variable("beside", {1});
    GradientTape tape(graph);
    graph.read(beside);
    const unsigned line = __LINE__ - 1;
    const Tensor loss = sum(graph.read(used));
    const std::string message = message_of<GradientError>([&] { tape.gradient(loss, {beside}); });
    CHECK(contains(message, "beside (1)"));
    CHECK(contains(message, this_file(line)));
    CHECK_FALSE(has_gradient_path(loss, graph.read(beside)));
    CHECK(has_gradient_path(loss, graph.read(used)));
}

TEST_CASE("stop_gradient cuts, silently beside a path and with an error on the only one") {
    Graph graph;
    const Variable x = variable("x", {3});
    GradientTape tape(graph);
    const Tensor read = graph.read(x);
    CHECK(value(tape.gradient(sum(read * stop_gradient(read)), {x})[0].gradient) == 3);
    CHECK_THROWS_AS(tape.gradient(sum(stop_gradient(read)), {x}), GradientError);
}

TEST_CASE("a penalty built outside the tape is an error that names node and line") {
    Graph graph;
    const Variable weight = variable("weight", {2, -1});
    const Tensor real = graph.input("real", {2});
    GradientTape discriminator_tape(graph), other_tape(graph);
    const Tensor score = sum(square(real * graph.read(weight)));
    discriminator_tape.stop();
    const Tensor slope = other_tape.gradient(score, real);
    const Tensor penalty = sum(square(slope)).named("penalty");
    const Tensor loss = score + penalty;
    const std::string message =
        message_of<GradientError>([&] { discriminator_tape.gradient(loss, {weight}); });
    CHECK(contains(message, "did not record"));
    CHECK(contains(message, "declare it while the tape is open"));
    CHECK(contains(message, "#"));
    CHECK(contains(message, "gradient_tape_test.cpp:"));
    CHECK_NOTHROW(other_tape.gradient(loss, {weight}));
    CHECK_NOTHROW(discriminator_tape.gradient(score, {weight}));
}

TEST_CASE("the first node that the tape missed is named") {
    Graph graph;
    const Variable x = variable("x", {3});
    const Tensor early = square(graph.read(x)).named("early");
    const unsigned line = __LINE__ - 1;
    GradientTape tape(graph);
    const Tensor loss = sum(early + graph.read(x));
    const NodeId size = graph.size();
    const std::string message = message_of<GradientError>([&] { tape.gradient(loss, {x}); });
    CHECK(contains(message, "early (1)"));
    CHECK(contains(message, this_file(line)));
    CHECK(graph.size() == size);
    CHECK(value(tape.gradient(loss, early)) == 1);
}

TEST_CASE("a node declared after stop is not recorded") {
    Graph graph;
    const Variable x = variable("x", {3});
    GradientTape tape(graph);
    const Tensor inside = sum(square(graph.read(x)));
    tape.stop();
    const Tensor outside = sum(square(graph.read(x))).named("outside");
    tape.stop();
    CHECK_THROWS_AS(tape.gradient(outside, {x}), GradientError);
    CHECK(value(tape.gradient(inside, {x})[0].gradient) == 6);
}

TEST_CASE("a tape can be asked again, also after stop, but does not record what it appends then") {
    Graph graph;
    const Variable x = variable("x", {3});
    GradientTape tape(graph);
    const Tensor loss = sum(square(graph.read(x)) * graph.read(x));
    const Tensor recorded = tape.gradient(loss, {x})[0].gradient;
    CHECK(value(tape.gradient(loss, {x})[0].gradient) == 27);
    CHECK(value(tape.gradient(sum(recorded), {x})[0].gradient) == 18);
    tape.stop();
    const Tensor later = tape.gradient(loss, {x})[0].gradient;
    CHECK(value(later) == 27);
    CHECK_THROWS_AS(tape.gradient(sum(later), {x}), GradientError);
}

TEST_CASE("gradient nodes belong to every open tape, whichever asked") {
    Graph graph;
    const Variable x = variable("x", {3});
    GradientTape asking(graph), open(graph);
    const Tensor loss = sum(square(graph.read(x)) * graph.read(x));
    asking.stop();
    const Tensor gradient = asking.gradient(loss, {x})[0].gradient;
    CHECK(value(open.gradient(sum(gradient), {x})[0].gradient) == 18);
    CHECK_THROWS_AS(asking.gradient(sum(gradient), {x}), GradientError);
}

TEST_CASE("targets may be older than the tape") {
    Graph graph;
    const Variable x = variable("x", {3});
    const Tensor read = graph.read(x);
    const Tensor hidden = square(read);
    GradientTape tape(graph);
    const Tensor loss = sum(square(hidden));
    CHECK(value(tape.gradient(loss, hidden)) == 18);
    CHECK_THROWS_AS(tape.gradient(loss, read), GradientError);
    CHECK(value(tape.gradient(sum(square(read)), {x})[0].gradient) == 6);
}

TEST_CASE("a gradient also flows through a target to an older one") {
    Graph graph;
    GradientTape tape(graph);
    const Variable a = variable("a", {3}), b = variable("b", {5});
    const Tensor loss = sum(graph.read(a) * graph.read(b) + graph.read(a));
    const VariableGradients gradients = tape.gradient(loss, {b, a, b});
    REQUIRE(gradients.size() == 3);
    CHECK(value(gradients[0].gradient) == 3);
    CHECK(value(gradients[1].gradient) == 6);
    CHECK(value(gradients[2].gradient) == 3);
    CHECK(tape.gradient(loss, std::vector<Variable>{}).empty());
}

TEST_CASE("nodes are appended only along the paths from the targets") {
    const auto appended = [](int depth, bool both) {
        Graph graph;
        const Variable a = variable("a", {1, 2}), b = variable("b", {3, 4});
        GradientTape tape(graph);
        Tensor branch = graph.read(a);
        for (int i = 0; i < depth; ++i) branch = exp(branch);
        const Tensor loss = sum(branch * graph.read(b));
        square(loss);
        const NodeId before = graph.size();
        tape.gradient(loss, both ? std::vector<Variable>{a, b} : std::vector<Variable>{b});
        return graph.size() - before;
    };
    CHECK(appended(50, false) == appended(0, false));
    CHECK(appended(50, true) >= appended(0, true) + 50);
    CHECK(appended(0, true) > appended(0, false));
}

TEST_CASE("each gradient node carries the line of the node it differentiates") {
    Graph graph;
    const Variable x = variable("x", {3});
    GradientTape tape(graph);
    const Tensor hidden = square(graph.read(x));
    const unsigned hidden_line = __LINE__ - 1;
    const Tensor loss = sum(hidden);
    const unsigned loss_line = __LINE__ - 1;
    const NodeId before = graph.size();
    tape.gradient(loss, {x});
    REQUIRE(graph.size() > before);
    for (NodeId id = before; id < graph.size(); ++id) {
        const unsigned line = graph.node(id).where.line;
        CHECK((line == hidden_line || line == loss_line));
    }
    CHECK(graph.node(before).where.line == loss_line);
    CHECK(graph.node(graph.size() - 1).where.line == hidden_line);
}

TEST_CASE("a chain of 100,000 nodes is differentiated") {
    Graph graph;
    const Variable x = variable("x", {1});
    GradientTape tape(graph);
    Tensor y = graph.read(x);
    for (int i = 0; i < 100'000; ++i) y = negate(y);
    const NodeId before = graph.size();
    const Tensor gradient = tape.gradient(y, {x})[0].gradient;
    CHECK(gradient.shape() == Shape{1});
    CHECK(graph.size() - before >= 100'000);
    CHECK(graph.size() - before <= 100'010);
}

TEST_CASE("a faulty gradient rule is an error that names op, input and line") {
    Graph graph;
    const Variable x = variable("x", {1, 2});
    GradientTape tape(graph);
    const auto differentiate = [&](DoubleOp::Rule rule) {
        const Tensor doubled = apply(std::make_shared<DoubleOp>(std::move(rule)), {graph.read(x)});
        return message_of<GradientError>([&] { tape.gradient(sum(doubled), {x}); });
    };
    const std::string missing = differentiate(nullptr);
    CHECK(contains(missing, "double has no gradient rule"));
    CHECK(contains(missing, "gradient_tape_test.cpp:"));
    const std::string misshapen =
        differentiate([](const Application&, const Tensor& seed) { return sum(seed); });
    CHECK(contains(misshapen, "double yields () for input 0"));
    CHECK(contains(misshapen, "(2)"));
    CHECK(contains(differentiate([](const Application&, const Tensor&) { return Tensor(); }), "no tensor"));
}

TEST_CASE("a tape refuses tensors of another graph and empty ones") {
    Graph graph, other;
    GradientTape tape(graph);
    const Tensor mine = graph.constant(1.0), foreign = other.constant(1.0);
    CHECK_THROWS_AS(tape.gradient(foreign, std::vector<Variable>{}), Error);
    CHECK_THROWS_AS(tape.gradient(mine, foreign), Error);
    CHECK_THROWS_AS(tape.gradient(mine, Tensor()), Error);
    CHECK_THROWS_AS(tape.gradient(mine, mine, foreign), Error);
}
