#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <string>
#include <thread>

#include <duet/duet.hpp>

using namespace duet;

namespace {

constexpr std::size_t columns = 64;
constexpr std::size_t rows_per_tile = 8;

/// The rows of a matrix as they are, a few to a tile; throws in a tile that holds a NaN. Head of a chain.
class Tripwire final : public OpOf<Tripwire> {
 public:
    std::string name() const override { return "tripwire"; }
    Shape shape(std::span<const Shape> inputs) const override { return inputs[0]; }
    double flops(const Signature&) const override { return 0; }
    bool may_fail() const override { return true; }
    bool accepts_epilogue() const override { return true; }
    std::size_t tiles(const Signature& signature) const override {
        return signature.output[0] / rows_per_tile;
    }
    Region region(const Signature&, std::size_t tile) const override {
        return {tile * rows_per_tile * columns, 1, rows_per_tile * columns, rows_per_tile * columns};
    }
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        const std::size_t begin = kernel.tile * rows_per_tile * columns;
        for (std::size_t i = begin; i < begin + rows_per_tile * columns; ++i) {
            if (std::isnan(kernel.inputs[0][i])) throw FeedError("tripped");
            kernel.output[i] = kernel.inputs[0][i];
        }
    }
};

/// The first element of each row; throws in a tile that holds a NaN. Tail of a chain.
class TrippingColumn final : public OpOf<TrippingColumn> {
 public:
    std::string name() const override { return "tripping_column"; }
    Shape shape(std::span<const Shape> inputs) const override { return {inputs[0][0]}; }
    double flops(const Signature&) const override { return 0; }
    bool may_fail() const override { return true; }
    bool accepts_prologue() const override { return true; }
    std::size_t tiles(const Signature& signature) const override {
        return signature.output[0] / rows_per_tile;
    }
    std::optional<Region> region_read(const Signature&, std::size_t, std::size_t tile) const override {
        return Region{tile * rows_per_tile * columns, 1, rows_per_tile * columns, rows_per_tile * columns};
    }
    template <class T>
    void compute(const Kernel<T>& kernel) const {
        for (std::size_t row = 0; row < rows_per_tile; ++row) {
            const T value = kernel.region[row * columns];
            if (std::isnan(value)) throw FeedError("tripped");
            kernel.output[kernel.tile * rows_per_tile + row] = value;
        }
    }
};

Tensor tripwire(Operand x) {
    return apply(std::make_shared<Tripwire>(), {x});
}

/// Ends the test program if it makes no progress for a minute: a run that waits for ever cannot be caught.
class Watchdog {
 public:
    Watchdog() : thread_([this] { watch(); }) {}
    ~Watchdog() {
        {
            const std::lock_guard lock(mutex_);
            done_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }
    void progress() { ++steps_; }

 private:
    void watch() {
        std::unique_lock lock(mutex_);
        for (std::uint64_t seen = steps_;
             !changed_.wait_for(lock, std::chrono::minutes(1), [&] { return done_; }); seen = steps_)
            if (steps_ == seen) {
                std::fprintf(stderr, "a run has hung: no progress for a minute after %llu runs\n",
                             static_cast<unsigned long long>(seen));
                std::_Exit(1);
            }
    }

    std::atomic<std::uint64_t> steps_ = 0;
    bool done_ = false;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::thread thread_;
};

std::size_t throwing_runs() {
    const char* const asked = std::getenv("DUET_THROWING_RUNS");
    return asked ? std::stoul(asked) : 2000;
}

}  // namespace

// Each barrier of the program may be the last for one thread and not yet seen by another.
TEST_CASE("runs that throw, caught and repeated, never leave one of their threads waiting") {
    constexpr std::size_t rows = 128;
    Graph graph;
    const Variable weight("weight", Shape{columns, columns}, 0.01F);
    const Tensor x = graph.input("x", {rows, columns}), first = graph.input("first", {rows, columns}),
                 second = graph.input("second", {columns, columns}), index = graph.input("index", {rows});
    const Tensor hidden = tanh(tripwire(first) + matmul(x, graph.read(weight)));
    const Tensor product = matmul(transpose(hidden, {1, 0}), hidden);
    const Tensor picked = gather(tanh(tripwire(product + second)), index);
    const Tensor loss = mean(square(picked)).named("loss");
    CompileOptions options;
    options.finite = {loss};
    const Array good = filled(x.shape(), 0.5F), good_square = filled(second.shape(), 0.25F),
                good_index = filled(index.shape(), 1.0F);
    // One value in each place that a group of instructions looks at.
    Array bad = good, bad_square = good_square, bad_index = good_index;
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    bad(rows / 2, 3) = nan;
    bad_square(columns - 1, 0) = nan;
    bad_index(rows - 1) = -1;
    Watchdog watchdog;
    const std::size_t count = throwing_runs();
    for (const std::size_t threads : {2, 3, 8}) {
        auto program = compile<float>(graph, {loss}, {{{weight, graph.read(weight) + 0.0 * loss}}},
                                      Arena(threads), options);
        const auto run = [&](const Array& a, const Array& b, const Array& c, const Array& d) {
            program.run({{x, a}, {first, b}, {second, c}, {index, d}});
        };
        run(good, good, good_square, good_index);
        const float expected = program[0]();
        std::size_t thrown = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t place = i % 5;
            try {
                run(place == 0 ? bad : good, place == 1 || place == 4 ? bad : good,
                    place == 2 || place == 4 ? bad_square : good_square, place == 3 ? bad_index : good_index);
            } catch (const Error&) {
                ++thrown;
            }
            watchdog.progress();
        }
        CHECK(thrown == count);
        run(good, good, good_square, good_index);
        CHECK(program[0]() == expected);
    }
}

TEST_CASE("after an exception no variable has changed, whichever part of a chain threw") {
    constexpr std::size_t rows = 32;
    for (const std::size_t threads : {1, 2, 3})
        for (const bool fuse : {true, false}) {
            Graph graph;
            const Variable headed("headed", Shape{rows, columns}, 1.0F),
                tailed("tailed", Shape{rows, columns}, 1.0F);
            const Tensor x = graph.input("x", {rows, columns});
            const Tensor next = graph.read(tailed) + x;
            const Tensor column = apply(std::make_shared<TrippingColumn>(), {next});
            CompileOptions options;
            options.fuse = fuse;
            auto of_head = compile<float>(graph, {}, {{{headed, graph.read(headed) + 2.0 * tripwire(x)}}},
                                          Arena(threads), options);
            auto of_tail = compile<float>(graph, {column}, {{{tailed, next}}}, Arena(threads), options);
            Array fed = filled(x.shape(), 1.0F);
            fed(rows - 1, 0) = std::numeric_limits<float>::quiet_NaN();
            CHECK_THROWS_AS(of_head.run({{x, fed}}), FeedError);
            CHECK_THROWS_AS(of_tail.run({{x, fed}}), FeedError);
            CHECK(headed.value() == filled(x.shape(), 1.0F));
            CHECK(tailed.value() == filled(x.shape(), 1.0F));
            fed(rows - 1, 0) = 1.0F;
            of_head.run({{x, fed}});
            of_tail.run({{x, fed}});
            CHECK(headed.value() == filled(x.shape(), 3.0F));
            CHECK(tailed.value() == filled(x.shape(), 2.0F));
        }
}

TEST_CASE("a loss that a tape differentiated is checked wherever its gradients reach updates") {
    const Variable weight("discriminator.0.weight", Shape{2}, 1.0F), other("other", Shape{}, 1.0F);
    Graph graph;
    const Tensor x = graph.input("x", {2});
    GradientTape tape(graph);
    const Tensor loss = sum(log(graph.read(weight) * x)).named("loss");
    const unsigned declared = __LINE__ - 1;
    Adam adam("adam", {});
    const Updates updates = adam.apply(tape.gradient(loss, {weight}));
    CompileOptions unchecked;
    unchecked.check_losses = false;
    const Array good = {1.0F, 2.0F}, bad = {1.0F, -1.0F},
                nan = {1.0F, std::numeric_limits<float>::quiet_NaN()};
    const auto message_of = [&](const Array& fed) {
        auto program = compile<float>(graph, {}, {updates});
        try {
            program.run({{x, fed}});
        } catch (const NonFiniteError& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    const auto contains = [](const std::string& text, const std::string& part) {
        return text.find(part) != std::string::npos;
    };

    std::string message = message_of(bad);
    CAPTURE(message);
    CHECK(contains(message, "loss (), declared at failing_run_test.cpp:" + std::to_string(declared)));
    CHECK(contains(message, "variable discriminator.0.weight (2)"));
    CHECK(contains(message, "the largest variable"));
    CHECK(contains(message, "learning rate"));
    message = message_of(nan);
    CHECK(contains(message, "input x (2), declared at failing_run_test.cpp:"));
    CHECK(contains(message, "1 of 2 not finite"));
    CHECK(weight.value() == filled(Shape{2}, 1.0F));

    compile<double>(graph, {loss}).report();
    auto evaluates = compile<float>(graph, {loss}, {{{other, graph.read(other) + 1.0}}});
    evaluates.run({{x, bad}});
    CHECK(other.value()() == 2.0F);

    auto trains = compile<float>(graph, {}, {updates}, Arena(), unchecked);
    trains.run({{x, bad}});
    CHECK(weight.value() != filled(Shape{2}, 1.0F));
    weight.assign(Array{1.0F, std::numeric_limits<float>::infinity()});
    message = message_of(good);
    CHECK(contains(message, "variable discriminator.0.weight (2)"));
    CHECK(contains(message, "1 of 2 not finite"));
}
