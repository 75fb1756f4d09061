#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>

#include <duet/duet.hpp>

using namespace duet;

namespace {

bool same_bits(const Array& a, const Array& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// Numbers of both signs that do not repeat soon.
Array ramp(const Shape& shape) {
    Array values = filled(shape, 0.0F);
    for (std::size_t i = 0; i < values.size(); ++i)
        values.data()[i] = std::sin(static_cast<float>(i) * 0.7F) * 2;
    return values;
}

/// A random graph of elementwise chains, broadcasts, reductions and products over a few shapes.
std::vector<Tensor> random_nodes(Graph& graph, std::mt19937& random) {
    const std::vector<Shape> shapes = {{5, 7, 12}, {7, 12}, {5, 1, 12}, {7, 1}, {12}, {}, {5, 7, 1}, {1}};
    std::vector<Tensor> nodes;
    for (const Shape& shape : shapes)
        nodes.push_back(random_uniform(graph, "u" + std::to_string(nodes.size()), shape) + 0.5);
    for (int i = 0; i < 40; ++i) {
        const Tensor a = nodes[random() % nodes.size()], b = nodes[random() % nodes.size()];
        switch (random() % 8) {
            case 0:
                nodes.push_back(a + b);
                break;
            case 1:
                nodes.push_back(tanh(a) * b);
                break;
            case 2:
                nodes.push_back(where(greater(a, b), a, 0.5));
                break;
            case 3:
                nodes.push_back(maximum(a, b) - 0.25);
                break;
            case 4:
                nodes.push_back(mean(a) * b);
                break;
            case 5:
                nodes.push_back(sigmoid(a - b));
                break;
            case 6:
                if (a.shape().rank() == 3)
                    nodes.push_back(
                        reshape(matmul(reshape(a, {a.shape().elements() / 12 * 1, a.shape()[2]}),
                                       reshape(a, {a.shape().elements() / 12 * 1, a.shape()[2]}), true) *
                                    0.01,
                                {a.shape()[2] * a.shape()[2]}));
                break;
            default:
                nodes.push_back(relu(a) + sum_to(a + b, b.shape().rank() == 0 ? b.shape() : Shape{}));
                break;
        }
        if (nodes.back().shape().elements() > 5 * 7 * 144) nodes.pop_back();
    }
    return nodes;
}

}  // namespace

TEST_CASE("fusion and threads change no bit of random graphs") {
    for (unsigned seed = 0; seed < 60; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        Graph graph(seed);
        std::vector<Tensor> nodes;
        try {
            nodes = random_nodes(graph, random);
        } catch (const ShapeError&) {
            continue;
        }
        std::vector<Tensor> some;
        for (const Tensor& node : nodes)
            if (random() % 4 == 0) some.push_back(node);
        some.push_back(nodes.back());
        CompileOptions plain;
        plain.fuse = false;
        auto fused = compile<float>(graph, some), unfused = compile<float>(graph, some, {}, Arena(), plain),
             threaded = compile<float>(graph, some, {}, Arena(3));
        fused.run({}, 5);
        unfused.run({}, 5);
        threaded.run({}, 5);
        for (std::size_t i = 0; i < some.size(); ++i) {
            CHECK(same_bits(fused[i], unfused[i]));
            CHECK(same_bits(fused[i], threaded[i]));
        }
        CompileOptions unrewritten = plain;
        unrewritten.rewrite = false;
        auto literal = compile<float>(graph, some, {}, Arena(), unrewritten);
        literal.run({}, 5);
        for (std::size_t i = 0; i < some.size(); ++i) {
            double difference = 0, norm = 0;
            for (std::size_t k = 0; k < fused[i].size(); ++k) {
                difference += std::pow(fused[i].data()[k] - literal[i].data()[k], 2);
                norm += std::pow(literal[i].data()[k], 2);
            }
            CHECK(std::sqrt(difference) <= 1e-6 * std::sqrt(norm) + 1e-12);
        }
    }
}

TEST_CASE(
    "reductions ride on the chain or the product that makes what they reduce, bit for bit, on any threads") {
    struct Case {
        Shape shape;
        Axes axes;
        bool product;
        std::size_t instructions;  // the product or the chain, with all that rides on it
    };
    const std::vector<Case> cases = {
        {{128, 784}, {0}, false, 1},    {{128, 784}, {1}, false, 1},   {{128, 784}, {}, false, 1},
        {{3, 2000}, {0}, false, 1},     {{40, 9}, {0}, false, 1},      {{7}, {}, false, 1},
        {{64, 32, 49}, {2}, false, 1},  {{64, 32, 49}, {1}, false, 1}, {{128, 128}, {0}, true, 1},
        {{128, 784}, {0}, true, 1},     {{128, 128}, {1}, true, 1},    {{5, 1, 3000}, {1}, false, 1},
        {{2, 300, 100}, {1}, false, 1}, {{1, 1}, {0}, false, 1},
    };
    for (const Case& each : cases) {
        CAPTURE(to_string(each.shape));
        CAPTURE(each.axes.size());
        for (const bool keep : {false, true}) {
            CAPTURE(keep);
            Graph graph(3);
            const Tensor x = graph.input("x", each.shape);
            Tensor y = x;
            std::vector<Feed> feeds;
            const Array values = ramp(each.shape), weights = ramp({each.shape[0], 128}),
                        more = ramp({128, each.shape[each.shape.rank() - 1]});
            feeds.push_back({x, values});
            if (each.product) {
                const Tensor a = graph.input("a", {each.shape[0], 128}), b = graph.input("b", shape_of(more));
                feeds.push_back({a, weights});
                feeds.push_back({b, more});
                y = matmul(a, b) + x;
            }
            const Tensor made = relu(y) * 1.5 - 0.25;
            std::vector<Tensor> fetches = {sum(made, each.axes), max(made, each.axes)};
            if (keep) fetches.push_back(made);
            CompileOptions plain;
            plain.fuse = false;
            auto expected = compile<float>(graph, fetches, {}, Arena(), plain);
            expected.run(feeds);
            for (const std::size_t threads : {1, 2, 3}) {
                auto fused = compile<float>(graph, fetches, {}, Arena(threads));
                const std::size_t copies = each.product && keep ? 1 : 0;
                CHECK(fused.report().instructions == each.instructions + copies);
                fused.run(feeds);
                for (std::size_t i = 0; i < fetches.size(); ++i) CHECK(same_bits(fused[i], expected[i]));
            }
        }
    }
}

TEST_CASE("fetching more, checking values, profiling and threads change no trained bit") {
    struct How {
        bool fetch_more = false, check = false, profile = false;
        std::size_t threads = 1;
    };
    const auto train = [](const How& how) {
        Graph graph(3);
        const Variable w("w", filled(Shape{8, 8}, 0.5f));
        const GradientTape tape(graph);
        const Tensor a = random_normal(graph, "a", {16, 8}), b = random_normal(graph, "b", {16, 8});
        const Tensor read = graph.read(w);
        const Tensor loss = sum(square(matmul(a, read))) + sum(tanh(matmul(b, read)));
        const auto gradients = tape.gradient(loss, {w});
        Sgd optimizer("sgd", {0.01});
        std::vector<Tensor> fetches = {loss};
        if (how.fetch_more)
            for (NodeId id = 0; id < graph.size(); ++id) fetches.push_back(Tensor(graph, id));
        CompileOptions options;
        if (how.check) options.finite = {loss, gradients.front().gradient};
        auto program =
            compile<float>(graph, fetches, {optimizer.apply(gradients)}, Arena(how.threads), options);
        program.set_profiled(how.profile);
        CHECK(program.describe().find("accumulate=true") != std::string::npos);
        for (std::uint64_t draw = 0; draw < 5; ++draw) program.run({}, draw);
        CHECK(program.times().empty() != how.profile);
        return Array(w.value());
    };
    const Array plain = train({});
    CHECK(same_bits(plain, train({.fetch_more = true})));
    CHECK(same_bits(plain, train({.check = true})));
    CHECK(same_bits(plain, train({.profile = true})));
    CHECK(same_bits(plain, train({.fetch_more = true, .check = true, .profile = true, .threads = 3})));
}

TEST_CASE("a profile covers every instruction, with names, costs and times in order") {
    Graph graph;
    const Tensor x = graph.input("x", {64, 64});
    auto program = compile<float>(graph, {relu(matmul(x, x)).named("product")});
    CHECK(program.times().empty());
    program.set_profiled(true);
    program.run({{x, filled(Shape{64, 64}, 1.0f)}});
    const std::vector<InstructionTime> times = program.times();
    REQUIRE(times.size() == program.report().instructions);
    CHECK(times[0].name == "matmul relu (product)");
    CHECK(times[0].flops == 2.0 * 64 * 64 * 64 + 64 * 64);
    CHECK(times[0].bytes >= 2 * 64 * 64 * 4.0);
    CHECK(times[1].name == "fetch (product)");
    CHECK(times[0].duration >= 0);
    CHECK(times[1].start >= times[0].start + times[0].duration);
    program.set_profiled(false);
    CHECK(program.times().empty());
}

TEST_CASE("a transposed matrix that tiles of several products read is laid out in panels once, bit for bit") {
    Graph graph;
    const Tensor x = graph.input("x", {128, 100}), y = graph.input("y", {128, 100}),
                 w = graph.input("w", {150, 100});
    const Tensor sum = matmul(x, w, false, true) + matmul(y, w, false, true);
    const Array left = ramp({128, 100}), right = ramp({128, 100}) * 2.F, weight = ramp({150, 100});
    CompileOptions plain;
    plain.fuse = false;
    plain.rewrite = false;
    auto packed = compile<float>(graph, {sum}, {}, Arena(2)),
         literal = compile<float>(graph, {sum}, {}, Arena(), plain);
    for (auto* program : {&packed, &literal}) program->run({{x, left}, {y, right}, {w, weight}});
    CHECK(packed.report().instructions == 3);
    CHECK(packed.describe().find("pack_panels") == packed.describe().rfind("pack_panels"));
    CHECK(packed.describe().find("pack_panels") != std::string::npos);
    // The second product is added to the first term by term, where the plain program adds their sums.
    for (std::size_t i = 0; i < packed[0].size(); ++i)
        CHECK(packed[0].data()[i] == doctest::Approx(literal[0].data()[i]).epsilon(1e-5));
    auto one = compile<float>(graph, {matmul(x, w, false, true)}, {}, Arena(2)),
         same = compile<float>(graph, {matmul(x, w, false, true)}, {}, Arena(), plain);
    for (auto* program : {&one, &same}) program->run({{x, left}, {w, weight}});
    CHECK(one.report().instructions == 2);
    CHECK(same_bits(one[0], same[0]));
}

TEST_CASE("a convolution's weight, or features, are arranged once for its tiles, bit for bit") {
    struct Case {
        Convolution2d how;
        std::array<std::size_t, 2> kernel;
        std::size_t channels, features;
    };
    const std::vector<Case> cases = {
        {{.stride = {2, 2}, .padding = {1, 1}}, {4, 4}, 128, 128},
        {{.padding = {1, 1}}, {3, 3}, 64, 144},
        {{.stride = {3, 2}, .padding = {2, 0}, .dilation = {2, 1}}, {3, 5}, 128, 128},
        {{.padding = {1, 1}, .groups = 2}, {3, 3}, 256, 256}};
    for (const Case& each : cases) {
        Graph graph;
        const Tensor x = graph.input("x", {16, each.channels, 11, 13});
        const Tensor w = graph.input(
            "w", {each.features, each.channels / each.how.groups, each.kernel[0], each.kernel[1]});
        const Tensor y = conv2d(x, w, each.how), back = conv_transpose2d(y, w, each.how),
                     gradient = conv2d_weight_gradient(x, y, each.kernel, each.how);
        const Array image = ramp(x.shape()), weight = ramp(w.shape());
        CompileOptions plain;
        plain.fuse = false;
        plain.rewrite = false;
        auto arranged = compile<float>(graph, {y, back, gradient}, {}, Arena(2)),
             literal = compile<float>(graph, {y, back, gradient}, {}, Arena(), plain);
        for (auto* program : {&arranged, &literal}) program->run({{x, image}, {w, weight}});
        CHECK(arranged.describe().find("arrange_operand(for=conv2d") != std::string::npos);
        CHECK(arranged.describe().find("arrange_operand(for=conv_transpose2d") != std::string::npos);
        for (std::size_t i = 0; i < 3; ++i) CHECK(same_bits(arranged[i], literal[i]));
    }
}

TEST_CASE("features that convolutions of several kernels have in common are arranged for each") {
    Graph graph;
    const Tensor down = graph.input("down", {1, 208, 8, 7}), across = graph.input("across", {1, 208, 7, 8}),
                 features = graph.input("features", {1, 16, 6, 6});
    const std::vector<Tensor> gradients = {conv2d_weight_gradient(down, features, {3, 2}),
                                           conv2d_weight_gradient(across, features, {2, 3})};
    const Array a = ramp(down.shape()), b = ramp(across.shape()), c = ramp(features.shape());
    CompileOptions plain;
    plain.rewrite = false;
    auto arranged = compile<float>(graph, gradients),
         literal = compile<float>(graph, gradients, {}, Arena(), plain);
    for (auto* program : {&arranged, &literal}) program->run({{down, a}, {across, b}, {features, c}});
    CHECK(arranged.describe().find("arrange_operand") != std::string::npos);
    for (std::size_t i = 0; i < gradients.size(); ++i) CHECK(same_bits(arranged[i], literal[i]));
}

TEST_CASE("a scan of an arranged weight sees no numbers that another program left") {
    Graph graph;
    const Tensor x = graph.input("x", {2, 16, 6, 5}), w = graph.input("w", {48, 16, 3, 3}),
                 negative = graph.input("negative", {300, 300});
    const Arena arena;
    CompileOptions apart, scan;
    apart.fuse = false;
    scan.scan = true;
    auto before = compile<float>(graph, {sum(log(negative))}, {}, arena, apart);
    auto scanned = compile<float>(graph, {conv2d(x, w, {.padding = {1, 1}})}, {}, arena, scan);
    const Array image = ramp(x.shape()), weight = ramp(w.shape()), numbers = filled(negative.shape(), -1.0F);
    before.run({{negative, numbers}});
    CHECK(scanned.describe().find("arrange_operand") != std::string::npos);
    scanned.run({{x, image}, {w, weight}});
}
