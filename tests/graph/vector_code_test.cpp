#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include <duet/duet.hpp>

#include "elementwise_chain.hpp"

using namespace duet;

namespace {

/// x / (1 + |x|), written once for elements and vectors, as a user may.
class Softsign final : public ElementwiseOf<Softsign> {
 public:
    std::string name() const override { return "softsign"; }
    template <class T>
    T value(T x) const {
        using std::fabs;
        return x / (T(1) + fabs(x));
    }
    std::optional<Vector> emit(std::span<const Vector> inputs) const override { return value(inputs[0]); }
};

std::vector<OpPointer> ops_of(const std::vector<Tensor>& tensors) {
    std::vector<OpPointer> ops;
    for (const Tensor& tensor : tensors) ops.push_back(tensor.graph().node(tensor.id()).op);
    return ops;
}

std::vector<OpPointer> emitting_ops() {
    Graph graph;
    const Tensor a = graph.input("a", {2}), b = graph.input("b", {2}), c = graph.input("c", {2});
    std::vector<OpPointer> ops = ops_of({a + b,
                                         a - b,
                                         a * b,
                                         a / b,
                                         -a,
                                         sqrt(a),
                                         square(a),
                                         abs(a),
                                         maximum(a, b),
                                         minimum(a, b),
                                         relu(a),
                                         leaky_relu(a, 0.2),
                                         leaky_relu(a, -0.3),
                                         clip(a, -0.5, 0.75),
                                         clip(a, 0, 0),
                                         greater(a, b),
                                         greater_equal(a, b),
                                         less(a, b),
                                         less_equal(a, b),
                                         equal(a, b),
                                         where(a, b, c)});
    ops.push_back(std::make_shared<Softsign>());
    return ops;
}

std::vector<OpPointer> blocks_alone() {
    Graph graph;
    const Tensor a = graph.input("a", {2});
    return ops_of({tanh(a), sigmoid(a)});
}

/// How many inputs an op with this name has.
std::size_t inputs_of(const Op& op) {
    const std::vector<std::string> unary = {"negate",     "sqrt", "square", "abs",     "relu",
                                            "leaky_relu", "clip", "tanh",   "sigmoid", "softsign"};
    if (op.name() == "where") return 3;
    return std::find(unary.begin(), unary.end(), op.name()) == unary.end() ? 2 : 1;
}

template <class T>
Chain<T> random_chain(std::mt19937& random, const std::vector<OpPointer>& ops) {
    const std::vector<std::pair<Shape, std::vector<Shape>>> shapes = {
        {{700}, {{1}, {}}},
        {{9, 130}, {{130}, {9, 1}, {1, 1}}},
        {{2, 3, 70}, {{3, 1}, {3, 70}, {2, 1, 1}}},
        {{40, 12}, {{12}, {40, 1}}},
        {{3, 1100}, {{1100}, {3, 1}}},
        {{5, 2, 3}, {{2, 1}, {3}, {}}},
    };
    const auto& [shape, repeated] = shapes[random() % shapes.size()];
    Chain<T> chain(shape);
    const std::size_t operands = 1 + random() % 5;
    for (std::size_t i = 0; i < operands; ++i) {
        const Shape& of = i > 0 && random() % 2 ? repeated[random() % repeated.size()] : shape;
        chain.add_operand(random_values<T>(random, of.elements()), of);
    }
    const std::size_t steps = 2 + random() % 39;
    std::size_t results = 0;
    for (std::size_t step = 0; step < steps; ++step) {
        const OpPointer& op = ops[random() % ops.size()];
        std::vector<std::size_t> inputs(inputs_of(*op));
        for (std::size_t& input : inputs)
            input = random() % 2 ? chain.values() - 1 : random() % chain.values();
        const bool stored = step + 1 == steps || random() % 6 == 0;
        chain.add_step(op, inputs, stored);
        results += stored ? 1 : 0;
    }
    std::vector<std::size_t> free(results);
    for (std::size_t i = 0; i < results; ++i) free[i] = i;
    std::shuffle(free.begin(), free.end(), random);
    for (std::size_t operand = 0; operand < operands && !free.empty(); ++operand)
        if (chain.whole(operand) && random() % 2) {
            chain.share(operand, free.back());
            free.pop_back();
        }
    return chain;
}

}  // namespace

TEST_CASE_TEMPLATE("machine code of an op makes the bits of its block at every length", T, float, double) {
    if (!MachineCode::create()) return;
    std::mt19937 random(1);
    for (const OpPointer& op : emitting_ops()) {
        const std::string description = op->name() + " " + to_string(op->attributes());
        CAPTURE(description);
        const std::size_t arity = inputs_of(*op);
        VectorCode recorded;
        std::vector<Vector> vectors;
        for (std::size_t i = 0; i < arity; ++i) vectors.push_back(recorded.load());
        REQUIRE(op->elementwise()->emit(vectors));
        CHECK(machine_code_makes_the_blocks_bits<T>(op, arity, random));
    }
}

TEST_CASE_TEMPLATE("one call goes from row to row by the steps of its addresses", T, float, double) {
    const auto code = MachineCode::create();
    if (!code) return;
    VectorCode written;
    const Vector x = written.load(), bias = written.load(), factor = written.broadcast();
    written.store((x + bias) * factor);
    const std::size_t number = code->add<T>(written);
    code->finish();
    constexpr std::size_t rows = 3, stride = 41;
    for (const std::size_t count : {std::size_t{1}, std::size_t{16}, std::size_t{37}}) {
        std::mt19937 random(3);
        const auto values = random_values<T>(random, rows * stride), biases = random_values<T>(random, count),
                   factors = random_values<T>(random, rows);
        std::vector<T> made(rows * stride, T(-1)), expected = made;
        for (std::size_t row = 0; row < rows; ++row)
            for (std::size_t i = 0; i < count; ++i)
                expected[row * stride + i] = (values[row * stride + i] + biases[i]) * factors[row];
        const void* addresses[] = {values.data(), biases.data(), factors.data(), made.data()};
        const std::size_t steps[] = {stride * sizeof(T), 0, sizeof(T), stride * sizeof(T)};
        code->function(number)(addresses, count, rows, steps);
        CHECK(same(made, expected));
    }
}

TEST_CASE_TEMPLATE("random chains make the bits of their ops, as machine code or block by block", T, float,
                   double) {
    std::vector<OpPointer> ops = emitting_ops();
    for (const OpPointer& op : blocks_alone()) ops.push_back(op);
    for (unsigned seed = 0; seed < 400; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        const Chain<T> chain = random_chain<T>(random, ops);
        for (const bool by_columns : {true, false}) {
            CHECK(chain.holds(MachineCode::create(), by_columns));
            CHECK(chain.holds(nullptr, by_columns));
        }
    }
}

TEST_CASE_TEMPLATE("more values at once than there are vector registers", T, float, double) {
    std::mt19937 random(2);
    Graph graph;
    const Tensor a = graph.input("a", {2}), b = graph.input("b", {2});
    const OpPointer add = ops_of({a + b})[0], subtract = ops_of({a - b})[0];
    constexpr std::size_t count = 50;
    Chain<T> chain({37});
    for (std::size_t i = 0; i < count; ++i) {
        const Shape shape = i % 3 == 0 ? Shape{1} : Shape{37};
        chain.add_operand(random_values<T>(random, shape.elements()), shape);
    }
    for (std::size_t i = 0; i < count; ++i) chain.add_step(subtract, {i, (i * 7 + 1) % count}, false);
    for (std::size_t i = 0; i + 1 < count; ++i)
        chain.add_step(add, {2 * count - 1 + i, 2 * count - 2 - i}, i % 9 == 0 || i + 2 == count);
    CHECK(chain.holds(MachineCode::create()));
    CHECK(chain.holds(nullptr));
}

TEST_CASE("machine code can be done without") {
    Graph graph;
    const Tensor x = random_normal(graph, "x", {50, 30}), bias = random_normal(graph, "bias", {30});
    const Tensor y = square(1.5 * relu(x + bias) - tanh(x)) + 0.25;
    CompileOptions without;
    without.machine_code = false;
    auto with = compile<float>(graph, {y}), blocks = compile<float>(graph, {y}, {}, Arena(), without);
    with.run({}, 3);
    blocks.run({}, 3);
    CHECK(std::memcmp(with[0].data(), blocks[0].data(), with[0].size() * sizeof(float)) == 0);
}
