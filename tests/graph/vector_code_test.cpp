#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <random>

#include <duet/duet.hpp>
#include <duet/graph/elementwise_program.hpp>

using namespace duet;

namespace {

using OpPointer = std::shared_ptr<const Op>;

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
T random_value(std::mt19937& random) {
    using Limits = std::numeric_limits<T>;
    const std::vector<T> special = {0,
                                    -T(0),
                                    1,
                                    -1,
                                    T(0.75),
                                    T(-0.5),
                                    Limits::infinity(),
                                    -Limits::infinity(),
                                    Limits::quiet_NaN(),
                                    Limits::denorm_min(),
                                    -Limits::denorm_min(),
                                    Limits::min(),
                                    Limits::max(),
                                    Limits::lowest()};
    if (random() % 3 == 0) return special[random() % special.size()];
    return std::uniform_real_distribution<T>(-3, 3)(random);
}

template <class T>
std::vector<T> random_values(std::mt19937& random, std::size_t count) {
    std::vector<T> values(count);
    for (T& value : values) value = random_value<T>(random);
    return values;
}

/// Which of two NaNs an operation yields is the compiler's choice; all count as one.
template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
    for (std::size_t i = 0; i < a.size(); ++i)
        if (std::memcmp(&a[i], &b[i], sizeof(T)) != 0 && !(std::isnan(a[i]) && std::isnan(b[i])))
            return false;
    return a.size() == b.size();
}

/// Steps over operands, with what they must compute according to the blocks of their ops.
template <class T>
class Chain {
 public:
    using Program = ElementwiseProgram<T>;
    using Place = typename Program::Place;

    explicit Chain(Shape shape) : shape_(std::move(shape)) {}

    void add_operand(std::vector<T> values, const Shape& shape) {
        const Repetition repetition(shape, shape_);
        const std::size_t elements = shape_.elements();
        std::vector<T> repeated(elements);
        repetition.expand(values.data(), 0, elements, repeated.data());
        if (shape == shape_)
            places_.push_back({Place::Kind::operand, program_.add_operand()});
        else
            places_.push_back({Place::Kind::operand, program_.add_operand(repetition)});
        buffers_.push_back(std::move(values));
        expected_.push_back(std::move(repeated));
        whole_.push_back(shape == shape_);
    }

    void add_step(const OpPointer& op, const std::vector<std::size_t>& inputs, bool stored) {
        std::vector<Place> places;
        std::vector<const T*> blocks;
        for (const std::size_t input : inputs) {
            places.push_back(places_[input]);
            blocks.push_back(expected_[input].data());
        }
        std::vector<T> value(shape_.elements());
        op->elementwise()->block(blocks.data(), value.data(), value.size());
        const Place output = stored ? Place{Place::Kind::result, program_.add_result()}
                                    : Place{Place::Kind::register_, registers_++};
        program_.add_step(op, places, output);
        places_.push_back(output);
        expected_.push_back(std::move(value));
    }

    void share(std::size_t operand, std::size_t result) {
        program_.set_shared(operand, result);
        shared_.emplace_back(operand, result);
    }
    bool whole(std::size_t operand) const { return whole_[operand]; }
    std::size_t values() const { return places_.size(); }

    /// Whether the results are what the blocks of the ops make of whole arrays.
    bool holds(const std::shared_ptr<MachineCode>& code, bool by_columns = true) const {
        Program program = program_;
        program.prepare(shape_.elements(), code);
        if (code) code->finish();
        auto buffers = buffers_;
        std::vector<std::vector<T>> results;
        std::vector<const T*> sources;
        std::vector<T*> targets;
        for (const auto& buffer : buffers) sources.push_back(buffer.data());
        for (std::size_t i = 0; i < places_.size(); ++i)
            if (places_[i].kind == Place::Kind::result) results.emplace_back(shape_.elements());
        for (auto& result : results) targets.push_back(result.data());
        for (const auto& [operand, result] : shared_) targets[result] = buffers[operand].data();
        std::vector<std::byte> scratch(program.scratch_bytes() + 64);
        std::byte* const aligned =
            scratch.data() + (64 - reinterpret_cast<std::uintptr_t>(scratch.data()) % 64);
        for (const Region& region : regions(by_columns))
            program.run(sources.data(), targets.data(), region, aligned);
        bool all = true;
        for (std::size_t i = 0; i < places_.size(); ++i)
            if (places_[i].kind == Place::Kind::result) {
                const T* const made = targets[places_[i].index];
                all = all && same(std::vector<T>(made, made + shape_.elements()), expected_[i]);
            }
        return all;
    }

 private:
    /// A panel of columns that starts at odd places, and the rest, row by row; or the elements in a row, cut
    /// anywhere.
    std::vector<Region> regions(bool by_columns) const {
        const std::size_t elements = shape_.elements(), cut = elements * 3 / 7;
        if (!by_columns) return {{0, 1, cut, cut}, {cut, 1, elements - cut, elements - cut}};
        const std::size_t columns = shape_[shape_.rank() - 1], rows = shape_.elements() / columns;
        const std::size_t first = columns / 3;
        return {{0, rows, columns, first}, {first, rows, columns, columns - first}};
    }

    Shape shape_;
    Program program_;
    std::vector<Place> places_;
    std::vector<std::vector<T>> buffers_, expected_;
    std::vector<bool> whole_;
    std::vector<std::pair<std::size_t, std::size_t>> shared_;
    std::size_t registers_ = 0;
};

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
        const std::string description = op->name() + " " + op->attributes();
        CAPTURE(description);
        const std::size_t arity = inputs_of(*op);
        VectorCode recorded;
        std::vector<Vector> vectors;
        for (std::size_t i = 0; i < arity; ++i) vectors.push_back(recorded.load());
        REQUIRE(op->elementwise()->emit(vectors));
        for (std::size_t length = 1; length <= 70; ++length) {
            Chain<T> chain({length});
            std::vector<std::size_t> inputs;
            for (std::size_t i = 0; i < arity; ++i) {
                chain.add_operand(random_values<T>(random, length), {length});
                inputs.push_back(i);
            }
            chain.add_step(op, inputs, true);
            CHECK(chain.holds(MachineCode::create()));
            chain.share(random() % arity, 0);
            CHECK(chain.holds(MachineCode::create()));
        }
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
