#include <doctest/doctest.h>

#include <atomic>
#include <concepts>
#include <string>
#include <thread>
#include <vector>

#include <duet/duet.hpp>

#include "support.hpp"

using namespace duet;
using duet::testing::message_of;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string line(unsigned number) {
    return "run_test.cpp:" + std::to_string(number);
}

Array ramp(const Shape& shape) {
    Array values = filled(shape, 0.0F);
    for (std::size_t i = 0; i < values.size(); ++i)
        values.data()[i] = static_cast<float>(i % 97) / 97.0F - 0.5F;
    return values;
}

template <class Program>
concept runs = requires(Program program, Tensor x, Array value) {
    std::forward<Program>(program).run({{x, value}}, 0);
};
template <class Program>
concept fetches = requires(Program program) {
    std::forward<Program>(program)[0];
};

}  // namespace

TEST_CASE("a program with random nodes wants a draw number and names the node") {
    Graph graph(3);
    const Tensor x = graph.input("x", {4});
    const Tensor noise = random_normal(graph, "noise", {4});
    const unsigned declared = __LINE__ - 1;
    auto random = compile<float>(graph, {x + noise}), plain = compile<float>(graph, {x + 1.0});
    const Array fed = filled(x.shape(), 0.0F);
    const std::string message = message_of([&] { random.run({{x, fed}}); });
    CHECK(contains(message, "noise (4), declared at " + line(declared) + " draws random numbers"));
    const Array first = random.run({{x, fed}}, 0)[0];
    CHECK(random.run({{x, fed}}, 1)[0] != first);
    CHECK(random.run({{x, fed}}, 0)[0] == first);
    plain.run({{x, fed}});
}

TEST_CASE("a kept feed is never of a temporary, and no views are taken of a temporary program") {
    static_assert(std::is_constructible_v<Feed, Tensor, const Array&>);
    static_assert(std::is_constructible_v<Feed, Tensor, Array&>);
    static_assert(!std::is_constructible_v<Feed, Tensor, Array>);
    static_assert(!std::is_constructible_v<Feed, Tensor, const Array>);
    static_assert(!std::is_constructible_v<FeedOf<double>, Tensor, ArrayOf<double>>);
    static_assert(runs<Program<float>&> && !runs<Program<float>>);
    static_assert(fetches<Program<float>&> && !fetches<Program<float>>);
    Graph graph;
    const Tensor x = graph.input("x", {2});
    auto program = compile<float>(graph, {x * 2.0});
    CHECK(program.run({{x, filled(x.shape(), 3.0F)}})[0] == Array{6.0F, 6.0F});
    const Array kept = {1.0F, 2.0F};
    const std::vector<Feed> feeds{{x, kept}};
    CHECK(program.run(feeds)[0] == Array{2.0F, 4.0F});
    CHECK(program.run({feeds[0]})[0] == Array{2.0F, 4.0F});
}

TEST_CASE_TEMPLATE("a feed in memory that the run writes is refused", T, float, double) {
    Graph graph;
    const Variable v("v", Shape{8, 8}, 1.0F), read_only("read_only", Shape{8, 8}, 2.0F);
    const Tensor x = graph.input("x", {8, 8});
    const unsigned declared = __LINE__ - 1;
    const Tensor y = transpose(x, {1, 0}) + graph.read(read_only);
    auto program = compile<T>(graph, {y}, {{{v, graph.read(v) + y}}});
    ArrayOf<T> start = filled(x.shape(), T(0));
    start(0, 1) = 5;
    program.run({{x, start}});
    const std::string name = "run: input x (8, 8), declared at " + line(declared) + " is fed memory of ";
    CHECK(message_of([&] {
              program.run({{x, program[0]}});
          }) == name + "this program's fetch 0, which this run writes; feed a copy");
    CHECK(message_of([&] {
              program.run({{x, program.value(v)}});
          }) == name + "variable v, which this run writes; feed a copy");
    const ArrayOf<T> copy = program[0];
    program.run({{x, copy}});
    CHECK(program[0](0, 1) == copy(1, 0) + T(2));
    program.run({{x, program.value(read_only)}});
    auto other = compile<T>(graph, {x * 2.0});
    other.run({{x, program[0]}});
    CHECK(other[0](3, 4) == program[0](3, 4) * 2);
}

TEST_CASE("a rejected index names the op, the tensors and their lines") {
    Graph graph;
    const Tensor table = graph.input("table", {3, 2});
    const Tensor index = graph.input("index", {2});
    const unsigned declared = __LINE__ - 1;
    const Tensor rows = gather(table, index).named("rows");
    for (const bool fuse : {true, false}) {
        CompileOptions options;
        options.fuse = fuse;
        auto program = compile<float>(graph, {tanh(rows)}, {}, Arena(), options);
        std::string message;
        try {
            program.run({{table, ramp(table.shape())}, {index, Array{0.0F, 7.0F}}});
        } catch (const FeedError& error) {
            message = error.what();
        }
        CAPTURE(message);
        CHECK(contains(message, "rows (2, 2), declared at " + line(declared + 2)));
        CHECK(contains(message, "index (2), declared at " + line(declared)));
        CHECK(contains(message, "7"));
    }
}

TEST_CASE("compile and run on one arena at once: an error or the right result, never a crash") {
    Arena arena;
    Graph graph;
    const Tensor x = random_normal(graph, "x", {64, 256});
    auto running = compile<float>(graph, {mean(matmul(x, transpose(x, {1, 0})))}, {}, arena);
    const float right = running.run({}, 7)[0]();
    std::atomic<bool> stop = false;
    std::atomic<int> wrong = 0;
    std::thread server([&] {
        while (!stop) wrong += running.run({}, 7)[0]() != right;
    });
    std::string refused;
    for (std::size_t batch = 64; batch < 1024; batch += 16) {
        Graph other;
        const Tensor y = random_normal(other, "y", {batch, 256});
        const std::string message = message_of([&] {
            compile<float>(other, {mean(matmul(y, transpose(y, {1, 0})))}, {}, arena);
        });
        if (!message.empty()) refused = message;
    }
    stop = true;
    server.join();
    CHECK(wrong == 0);
    CHECK((refused.empty() || contains(refused, "compile: a program is running on the same arena")));
}

namespace {

/// Compiles on its own arena from within its kernel.
class Compiling final : public ElementwiseOf<Compiling> {
 public:
    Compiling(Graph& graph, Arena arena) : graph_(graph), arena_(std::move(arena)) {}
    std::string name() const override { return "compiling"; }
    bool may_fail() const override { return true; }
    template <class T>
    T value(T x) const {
        compile<float>(graph_, {exp(random_normal(graph_, "more", {64, 64}))}, {}, arena_);
        return x;
    }

 private:
    Graph& graph_;
    Arena arena_;
};

}  // namespace

TEST_CASE("compiling for an arena while a program runs on it is an error") {
    Graph graph, other;
    const Arena arena;
    const Tensor x = graph.input("x", {1});
    auto program = compile<float>(graph, {apply(std::make_shared<Compiling>(other, arena), {x})}, {}, arena);
    CHECK(contains(message_of([&] { program.run({{x, Array{1.0F}}}); }), "cannot grow meanwhile"));
}

// A sanitizer ends the program at an allocation that the system would refuse.
#ifndef DUET_SANITIZED
TEST_CASE("sizes beyond any memory are errors that name what is too large") {
    constexpr std::size_t million = 1'000'000;
    Graph graph;
    const Tensor column = graph.input("column", {million, 1}), row = graph.input("row", {1, million}),
                 many = graph.input("many", {100, 1, 1});
    const std::string declared = message_of([&] { column* row* many; });
    CAPTURE(declared);
    CHECK(contains(declared, line(__LINE__ - 2)));
    CHECK(contains(declared, "(100, 1000000, 1000000)"));
    CHECK_THROWS_AS(Variable("w", Shape{million, million, 100}, 0.0F), ShapeError);
    CHECK(contains(
        message_of([&] {
            Variable("w", Shape{million, million, 30}, 0.0F);
        }),
        "variable w: not enough memory for an array (1000000, 1000000, 30) of 120000000000000 bytes"));
    const Tensor wide = tanh(column + row) + tanh(column - row);
    const std::string message = message_of([&] { compile<float>(graph, {sum(matmul(wide, wide))}); });
    CAPTURE(message);
    CHECK(contains(message, "compile: not enough memory"));
    CHECK(contains(message, "4000000000000 bytes"));
    CHECK(contains(message, "(1000000, 1000000), declared at " + line(__LINE__ - 5)));
}
#endif
