#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include <duet/duet.hpp>

#include "support.hpp"

using namespace duet;
using duet::testing::message_of;

TEST_CASE_TEMPLATE("a program computes what was declared, in both element types", T, float, double) {
    Graph graph;
    const Tensor x = graph.input("x", {2, 3});
    const Tensor w = graph.constant(ArrayOf<double>{{1, 2}, {3, 4}, {5, 6}});
    auto program = compile<T>(graph, {matmul(x, w), sum(square(x)), 2.0 * x - 1.0});
    const ArrayOf<T> fed = {{1, 0, 2}, {0, 1, 0}};
    const auto results = program.run({{x, fed}});
    CHECK(results[0] == ArrayOf<T>{{11, 14}, {3, 4}});
    CHECK(*results[1].data() == T(6));
    CHECK(program[2] == ArrayOf<T>{{1, -1, 3}, {-1, 1, -1}});
    CHECK_THROWS_AS(program[3], Error);
}

TEST_CASE("a wrong feed is an error that names the input and its line") {
    Graph graph, other;
    const Tensor x = graph.input("x", {2});
    const unsigned declared = __LINE__ - 1;
    const Tensor y = graph.input("y", {2}), unused = graph.input("unused", {2}),
                 foreign = other.input("x", {2});
    auto program = compile<float>(graph, {x + y});
    const Array good = {1.0f, 2.0f}, bad = {1.0f, 2.0f, 3.0f};
    const std::string name = "input x (2), declared at program_test.cpp:" + std::to_string(declared);
    CHECK(message_of([&] { program.run({{y, good}}); }) == "run: " + name + " is not fed");
    CHECK(message_of([&] {
              program.run({{x, good}, {y, good}, {x, good}});
          }) == "run: " + name + " is fed twice");
    CHECK(message_of([&] {
              program.run({{x, bad}, {y, good}});
          }) == "run: " + name + " is fed an array of shape (3)");
    CHECK(message_of([&] {
              program.run({{x, good}, {y, good}, {unused, good}});
          }) == "run: a feed is given for unused (2), declared at program_test.cpp:" +
                    std::to_string(declared + 2) + ", which this program does not read as an input");
    CHECK(message_of([&] {
              program.run({{foreign, good}, {y, good}});
          }) ==
          "run: a feed is given for x (2), declared at program_test.cpp:" + std::to_string(declared + 3) +
              ", a tensor of another graph than the one this program was compiled from");
    CHECK(program.run({{x, good}, {y, good}}).front() == Array{2.0f, 4.0f});
}

TEST_CASE("every read sees the start of the run; an update's value is the next") {
    Graph graph;
    const Variable v("v", Array{1.0f, 2.0f});
    const Tensor read = graph.read(v), next = read * 10.0;
    auto program = compile<float>(graph, {read, next, read + 0.0}, {{{v, next}}});
    program.run({});
    CHECK(program[0] == Array{1.0f, 2.0f});
    CHECK(program[1] == Array{10.0f, 20.0f});
    CHECK(program[2] == Array{1.0f, 2.0f});
    CHECK(v.value() == Array{10.0f, 20.0f});
    program.run({});
    CHECK(program[0] == Array{10.0f, 20.0f});
    CHECK(v.value() == Array{100.0f, 200.0f});
}

TEST_CASE("updates that read each other's variable exchange the start values") {
    Graph graph;
    const Variable a("a", Array{1.0f, 2.0f}), b("b", Array{3.0f, 4.0f}), c("c", Array{0.0f, 0.0f});
    const Tensor read_a = graph.read(a), read_b = graph.read(b);
    SUBCASE("plainly") {
        auto program = compile<float>(graph, {}, {{{a, read_b}, {b, read_a}}});
        program.run({});
        CHECK(a.value() == Array{3.0f, 4.0f});
        CHECK(b.value() == Array{1.0f, 2.0f});
    }
    SUBCASE("through a computation, one value updating two variables") {
        const Tensor mixed = read_a + read_b;
        auto program = compile<float>(graph, {}, {{{a, mixed}, {c, mixed}}, {{b, read_a - read_b}}});
        program.run({});
        CHECK(a.value() == Array{4.0f, 6.0f});
        CHECK(c.value() == Array{4.0f, 6.0f});
        CHECK(b.value() == Array{-2.0f, -2.0f});
    }
    SUBCASE("a variable that its own update reads across elements") {
        const Variable m("m", Array{{1.0f, 2.0f}, {3.0f, 4.0f}});
        const Tensor read = graph.read(m);
        auto program = compile<float>(graph, {}, {{{m, matmul(read, read) + transpose(read, {1, 0})}}});
        program.run({});
        CHECK(m.value() == Array{{8.0f, 13.0f}, {17.0f, 26.0f}});
    }
    SUBCASE("an update stored over two views of its variable that later steps still read") {
        const Variable v("v", Array{1.0f, 2.0f, 3.0f, 4.0f});
        const Tensor read = graph.read(v), view = reshape(reshape(read, {2, 2}), {4}), next = read + 1.0;
        auto program = compile<float>(graph, {next * view + read}, {{{v, next}}});
        CHECK(program.run({}).front() == Array{3.0f, 8.0f, 15.0f, 24.0f});
        CHECK(v.value() == Array{2.0f, 3.0f, 4.0f, 5.0f});
    }
    SUBCASE("a scalar that its own update repeats") {
        const Variable s("s", Array(Array::shape_type{}, 2.0f)), t("t", Array{1.0f, 1.0f});
        const Tensor read = graph.read(s);
        auto program = compile<float>(graph, {}, {{{t, graph.read(t) * read}, {s, read + 1.0}}});
        program.run({});
        program.run({});
        CHECK(t.value() == Array{6.0f, 6.0f});
        CHECK(*s.value().data() == 4.0f);
    }
}

TEST_CASE("two updates of one variable are an error that names both lines") {
    Graph graph;
    const Variable v("v", Shape{2}, 1.0f);
    const Update one{v, graph.read(v) + 1.0, {}}, two{v, graph.read(v) + 2.0, {}};
    const std::string at = "program_test.cpp:" + std::to_string(__LINE__ - 1);
    const std::string message = message_of([&] { compile<float>(graph, {}, {{one}, {two}}); });
    CAPTURE(message);
    CHECK(message.find("variable v has two updates") != std::string::npos);
    CHECK(message.find(at) != message.rfind(at));
    CHECK_THROWS_AS(compile<float>(graph, {}, {{{v, sum(graph.read(v)), {}}}}), ShapeError);
}

TEST_CASE("a program of double works on copies of the variables") {
    Graph graph;
    const Variable v("v", Array{1.0f});
    auto program = compile<double>(graph, {}, {{{v, graph.read(v) + 1e-12}}});
    program.run({});
    CHECK(program.value(v)(0) == 1.0 + 1e-12);
    CHECK(v.value()(0) == 1.0f);
    const Variable other("other", Array{1.0f});
    CHECK_THROWS_AS(program.value(other), Error);
}

TEST_CASE("a program needs neither its graph nor its optimizer any more") {
    const Variable v("v", Array{1.0f, 2.0f});
    std::optional<Program<float>> program;
    Tensor input;
    {
        Graph graph;
        input = graph.input("x", {2});
        const GradientTape tape(graph);
        const Tensor loss = sum(square(graph.read(v) - input));
        Sgd optimizer("sgd", {0.25});
        program = compile<float>(graph, {loss}, {optimizer.apply(tape.gradient(loss, {v}))});
    }
    CHECK(*program->run({{input, Array{0.0f, 0.0f}}}).front().data() == 5.0f);
    CHECK(v.value() == Array{0.5f, 1.0f});
}

TEST_CASE("equal nodes are computed once, dead ones never, draws are never merged") {
    Graph graph(7);
    const Tensor x = graph.input("x", {4, 4});
    exp(x);
    const Tensor twice = matmul(x, x) + matmul(x, x);
    auto program = compile<float>(graph, {twice});
    const std::string text = program.describe();
    CHECK(text.find("exp") == std::string::npos);
    CHECK(text.find("matmul") == text.rfind("matmul"));
    const Tensor a = random_normal(graph, "a", {4}), b = random_normal(graph, "b", {4});
    auto draws = compile<float>(graph, {a, b});
    draws.run({}, 0);
    CHECK(draws[0] != draws[1]);
}

TEST_CASE("constants are folded and transposes become flags") {
    Graph graph;
    const Tensor x = graph.input("x", {3, 2});
    const Tensor scale = exp(graph.constant(0.0)) + log(graph.constant(1.0)) * 5.0;
    auto program = compile<float>(graph, {matmul(transpose(x, {1, 0}), x) * scale});
    CHECK(program.describe().find("transpose(") == std::string::npos);
    CHECK(program.describe().find("exp") == std::string::npos);
    CHECK(program.describe().find("log") == std::string::npos);
    CHECK(program.run({{x, Array{{1, 2}, {3, 4}, {5, 6}}}}).front() == Array{{35, 44}, {44, 56}});
}

TEST_CASE("a loss that is not finite is found before any variable changes, for any threads") {
    for (const std::size_t threads : {1, 2}) {
        Graph graph;
        const Variable v("v", Array{1.0f, 2.0f}), w("w", Array{1.0f});
        const Tensor x = graph.input("x", {2});
        const Tensor loss = sum(log(graph.read(v) * x)).named("loss");
        CompileOptions options;
        options.finite = {loss};
        auto program = compile<float>(graph, {loss}, {{{w, graph.read(w) + 1.0}, {v, graph.read(v) * 2.0}}},
                                      Arena(threads), options);
        program.run({{x, Array{1.0f, 1.0f}}});
        CHECK(v.value() == Array{2.0f, 4.0f});
        const std::string message = message_of([&] { program.run({{x, Array{1.0f, -1.0f}}}); });
        CHECK(message.find("loss (), declared at program_test.cpp") == 0);
        CHECK(v.value() == Array{2.0f, 4.0f});
        CHECK(w.value() == Array{2.0f});
        program.run({{x, Array{1.0f, 1.0f}}});
        CHECK(v.value() == Array{4.0f, 8.0f});
    }
}

TEST_CASE("a scanning program names the first node that is not finite, its line and its operands' ranges") {
    Graph graph;
    const Tensor x = graph.input("x", {3});
    const Tensor shifted = x - 1.0;
    const Tensor root = sqrt(shifted);
    const unsigned line = __LINE__ - 1;
    CompileOptions options;
    options.scan = true;
    auto program = compile<float>(graph, {sum(root)}, {}, Arena(), options);
    const std::string message = message_of([&] { program.run({{x, Array{2.0f, 5.0f, -3.0f}}}); });
    CAPTURE(message);
    CHECK(message.find("sqrt#") == 0);
    CHECK(message.find("program_test.cpp:" + std::to_string(line)) != std::string::npos);
    CHECK(message.find("in [-4, 4]") != std::string::npos);
    CHECK(program.run({{x, Array{2.0f, 5.0f, 1.0f}}}).front()() == 3.0f);
}

TEST_CASE("an op that may fail runs before any update is written") {
    Graph graph;
    const Variable v("v", Array{1.0f});
    const Tensor indices = graph.input("indices", {2});
    const Tensor rows = gather(graph.constant(ArrayOf<double>{1, 2, 3}), indices);
    auto program = compile<float>(graph, {rows}, {{{v, graph.read(v) + 1.0}}});
    CHECK_THROWS_AS(program.run({{indices, Array{0.0f, 3.0f}}}), FeedError);
    CHECK(v.value() == Array{1.0f});
    program.run({{indices, Array{0.0f, 2.0f}}});
    CHECK(v.value() == Array{2.0f});
}

TEST_CASE("programs of one arena share its memory and do not run at once") {
    Graph graph(1);
    const Tensor big = exp(random_normal(graph, "big", {512, 512})),
                 small = exp(random_normal(graph, "small", {8}));
    const Arena arena;
    auto one = compile<float>(graph, {sum(matmul(big, big))}, {}, arena);
    const std::size_t bytes = arena.bytes();
    auto other = compile<float>(graph, {sum(small)}, {}, arena);
    CHECK(arena.bytes() == bytes);
    CHECK(bytes >= one.report().arena_bytes);
    const float first = *one.run({}, 0).front().data();
    other.run({}, 0);
    CHECK(*one.run({}, 0).front().data() == first);
}

namespace {

/// Runs another program from within its kernel.
class Intruder final : public ElementwiseOf<Intruder> {
 public:
    explicit Intruder(Program<float>& other) : other_(other) {}
    std::string name() const override { return "intruder"; }
    bool may_fail() const override { return true; }
    template <class T>
    T value(T x) const {
        other_.run({});
        return x;
    }

 private:
    Program<float>& other_;
};

}  // namespace

TEST_CASE("running a program while another of its arena runs is an error, and both still work") {
    for (const std::size_t threads : {1, 2}) {
        Graph graph;
        const Tensor x = graph.input("x", {2});
        const Arena arena(threads);
        auto other = compile<float>(graph, {graph.constant(1.0) + 1.0}, {}, arena);
        auto program = compile<float>(graph, {apply(std::make_shared<Intruder>(other), {x})}, {}, arena);
        const std::string message = message_of([&] { program.run({{x, Array{1.0f, 2.0f}}}); });
        CHECK(message.find("another program is running on the same arena") != std::string::npos);
        CHECK(*other.run({}).front().data() == 2.0f);
    }
}

TEST_CASE("a value that is finished after its tiles is complete before it is read") {
    Graph graph;
    const Tensor code = graph.input("code", {64, 4}), image = graph.input("image", {64, 784});
    const Variable weight("weight", Shape{4, 784}, 0.125F);
    // The error is a sum of parts, read by its mean; the negative of the image joins both in one group.
    const Tensor error = mean(square(matmul(code, graph.read(weight)) - image));
    const Array images = filled(image.shape(), 0.25F);
    for (const std::size_t threads : {1, 2, 3})
        for (const bool poison : {false, true}) {
            CompileOptions options;
            options.poison = poison;
            auto program = compile<float>(graph, {error, 1.0 - image}, {}, Arena(threads), options);
            for (const float value : {0.0F, 0.5F, 1.0F}) {
                const float expected = (value * 0.5F - 0.25F) * (value * 0.5F - 0.25F);
                CHECK(program.run({{code, filled(code.shape(), value)}, {image, images}})[0]() == expected);
            }
        }
}

TEST_CASE("an arena that grows after a program was compiled still serves it") {
    Graph graph;
    const Tensor x = graph.input("x", {2, 2});
    const Arena arena;
    auto small = compile<float>(graph, {matmul(exp(x), x)}, {}, arena);
    const Array fed = {{0, 1}, {1, 0}};
    const Array before = small.run({{x, fed}}).front();
    const Tensor wide = graph.input("wide", {256, 256});
    auto large = compile<float>(graph, {matmul(exp(wide), wide)}, {}, arena);
    CHECK(small.run({{x, fed}}).front() == before);
}

TEST_CASE("describe and to_dot show every node, totals and the plan against its bound") {
    Graph graph;
    const Tensor x = graph.input("pixels", {4, 3});
    auto program = compile<float>(graph, {relu(matmul(x, graph.constant(filled(Shape{3, 1}, 2.0))))});
    const std::string text = program.describe();
    for (const char* part : {"pixels", "matmul", "relu", "(4, 1)", "arena+", "MFLOP a run", "memory: "})
        CHECK_MESSAGE(text.find(part) != std::string::npos, part);
    const std::string dot = program.to_dot();
    CHECK(dot.find("digraph") == 0);
    CHECK(dot.find("pixels: input") != std::string::npos);
    CHECK(dot.find("->") != std::string::npos);
}

TEST_CASE("a graph of 10,000 nodes compiles and runs") {
    Graph graph;
    const Tensor x = graph.input("x", {4, 4});
    Tensor value = x;
    for (int i = 0; graph.size() < 10000; ++i)
        value = i % 10 == 0 ? matmul(value, x) : i % 2 == 0 ? value * 0.5 : value + x;
    auto program = compile<float>(graph, {value});
    CHECK(std::isfinite(*program.run({{x, filled(Shape{4, 4}, 0.1f)}}).front().data()));
}

TEST_CASE("a feed of another program's input is refused when both graphs are gone") {
    const auto made = [](const char* name) {
        Graph graph;
        const Tensor x = graph.input(name, {2});
        return std::pair(compile<float>(graph, {x * 2.0}), x);
    };
    auto [first, x] = made("x");
    auto [second, y] = made("y");
    const Array value = filled(Shape{2}, 1.0F);
    CHECK_THROWS_AS(second.run({{x, value}}), FeedError);
    CHECK(second.run({{y, value}})[0] == Array{2.0F, 2.0F});
}
